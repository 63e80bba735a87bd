"""Files that recurra writes and reads back: models, checkpoints, strict JSON. Nothing in them can run."""

from recurra.storage.atomic import probe as probe
from recurra.storage.atomic import write_atomic as write_atomic
from recurra.storage.atomic import write_json as write_json
from recurra.storage.checkpoint import read_checkpoint as read_checkpoint
from recurra.storage.checkpoint import write_checkpoint as write_checkpoint
from recurra.storage.model_file import FORMAT_VERSION as FORMAT_VERSION
from recurra.storage.model_file import Layout as Layout
from recurra.storage.model_file import read_model as read_model
from recurra.storage.model_file import write_model as write_model
from recurra.storage.plain import plain as plain
from recurra.storage.strict_json import canonical as canonical
from recurra.storage.strict_json import loads_strict as loads_strict
