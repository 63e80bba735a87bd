"""Experiments: a configuration, the data it names, the directory a run is kept in, and the run itself."""

from recurra.experiment.config import Config as Config
from recurra.experiment.config import DataSpec as DataSpec
from recurra.experiment.config import config_hash as config_hash
from recurra.experiment.config import make_config as make_config
from recurra.experiment.fit import run_fit as run_fit
from recurra.experiment.fit import score_test as score_test
from recurra.experiment.run_directory import RunDirectory as RunDirectory
from recurra.experiment.run_files import Run as Run
from recurra.experiment.run_files import read_run as read_run
from recurra.experiment.source import read_data as read_data
from recurra.experiment.table import columns_of as columns_of
from recurra.experiment.table import series_csv as series_csv
