"""`recurra doctor`: what this machine offers, what is missing and what to do about it; never a failure."""

import argparse
from collections.abc import Mapping
from typing import Any

from recurra.cli.console import Answer, Console, refuse_unwritable
from recurra.cli.options import add_common, no_settings


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command."""
    parser = commands.add_parser("doctor", help="what this machine offers, and what is missing", allow_abbrev=False)
    add_common(parser, out="write what was found to this JSON file")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace, console: Console) -> Answer:
    """Look at everything and say what was found."""
    import json

    from recurra.experiment.health import examine
    from recurra.storage import plain

    no_settings(args)
    if args.out is not None:
        refuse_unwritable(args.out, force=args.force)
    found = plain(examine())
    if args.out is not None:
        console.write_file(args.out, json.dumps(found, indent=2) + "\n", force=args.force)
    return Answer(found, _text(found))


def _text(found: Mapping[str, Any]) -> str:
    lines = [f"{title:<12}{said}" for title, said in _facts(found)]
    lines.append("")
    lines += [f"- {each['what']}: {each['advice']}" for each in found["findings"]] or ["Nothing is missing."]
    return "\n".join(lines)


def _facts(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    jax, memory = found["jax"], found["memory"]
    pools = found["blas"] if isinstance(found["blas"], list) else []
    places = [(name, at) for name, at in found["disk"].items() if isinstance(at, Mapping)]
    return [
        ("recurra", f"{found['recurra']['version']} in {found['recurra']['home']}"),
        ("Python", f"{found['python']['version']}, {found['python']['executable']}"),
        ("platform", found["platform"]),
        ("JAX", _said(jax) or f"{jax['version']} on {', '.join(jax['devices'])}; x64 {_on(jax['x64_by_default'])}"),
        ("precision", "; ".join(f"{what} {kind}" for what, kind in found["precision"].items())),
        ("kernels", _kernels(found["native"])),
        ("cores", f"{found['cores']}; {_variables(found['threads']) or 'no variable bounds the threads'}"),
        *(("BLAS", f"{p['internal_api']} {p['version']}, {p['num_threads']} threads") for p in pools),
        ("memory", _said(memory) or f"{_size(memory['usable_bytes'])}, {_size(memory['available_bytes'])} free"),
        *(("disk", f"{at['path']} ({name}): {_size(at['free_bytes'])} free, {_can(at)}") for name, at in places),
        ("home", _said(found["home"]) or f"{found['home']['path'] or 'none'}, {_can(found['home'])}"),
        ("caches", _variables(found["caches"]) or "where they are by default"),
        ("compiled", _said(found["compiled"]) or _compiled(found["compiled"])),
        *(("extra", f"{name}: {_extra(part)}") for name, part in found["extras"].items() if isinstance(part, Mapping)),
    ]


def _compiled(kept: Mapping[str, Any]) -> str:
    if kept["directory"] is None:
        return f"not kept: {kept['reason']}"
    return f"{kept['programs']} programs, {kept['bytes'] / 2**20:.1f} MiB, in {kept['directory']} ({kept['reason']})"


def _kernels(native: Mapping[str, Any]) -> str:
    if not native["active"]:
        return f"not native: {native['reason']}"
    return f"native, {native['isa']}, up to {native['threads']} threads"


def _said(part: Any) -> str:
    """Why a part could not be looked at; empty where it could."""
    return part.get("error", "") if isinstance(part, Mapping) else ""


def _variables(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items() if value is not None)


def _extra(part: Mapping[str, Any]) -> str:
    packages = ", ".join(f"{name} {at or 'missing'}" for name, at in part["packages"].items())
    return f"{'installed' if part['installed'] else 'not complete'} ({part['gives']}): {packages}"


def _size(count: int | None) -> str:
    return "unknown" if count is None else f"{count / 2**30:.1f} GiB"


def _can(place: Mapping[str, Any]) -> str:
    return "writable" if place["writable"] else f"not writable ({place['reason']})"


def _on(flag: bool) -> str:
    return "on" if flag else "off"
