"""Container formats: what is declared is checked before it is read, and nothing that a file holds can run."""

from pathlib import Path

from recurra.data.columns import Ask, Parts
from recurra.errors import DataError


def parse(kind: str, data: bytes, path: Path, ask: Ask) -> Parts:
    """The series in a container file.

    Args:
        kind: what `files.load` says that it is.
        data: the file; empty for a Zarr directory.
        path: where it is.
        ask: what the caller says about its layout.

    Raises:
        DataError: damaged, refused, or a format that is not read.
        ConfigError: a choice that has to be made, or names what is not there.
        MissingExtraError: a package of the `io` extra is not installed.
    """
    suffix = path.suffix.lower()
    if kind == "wav":
        from recurra.data.formats.wav import parse_wav

        return parse_wav(data, ask)
    if kind in ("parquet", "arrow"):
        from recurra.data.formats.parquet import parse_table

        return parse_table(kind, data, suffix, ask)
    if kind == "edf":
        from recurra.data.formats.edf import describe_edf

        raise DataError(describe_edf(data))
    if kind == "miniseed":
        from recurra.data.formats.mseed import describe_miniseed

        raise DataError(describe_miniseed(data))
    from recurra.data.formats.gather import gather

    if kind == "netcdf3":
        from recurra.data.formats.netcdf import netcdf3_variables

        return gather(netcdf3_variables(data, ask.max_bytes, ask.group), ask)
    if kind == "hdf5":
        from recurra.data.formats.hdf5 import hdf5_variables, open_hdf5

        with open_hdf5(data, suffix) as file:
            return gather(hdf5_variables(file, ask.max_bytes, ask.group), ask)
    if kind == "matlab73":
        from recurra.data.formats.hdf5 import open_hdf5
        from recurra.data.formats.matlab import matlab73_variables

        with open_hdf5(data, suffix) as file:
            return gather(matlab73_variables(file, ask.max_bytes, ask.group), ask)
    if kind == "matlab":
        from recurra.data.formats.matlab import matlab_variables

        return gather(matlab_variables(data, ask.max_bytes, ask.group), ask)
    from recurra.data.formats.zarr import parse_zarr

    return parse_zarr(data, path, ask)
