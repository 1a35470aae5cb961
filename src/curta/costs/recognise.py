"""Which accelerator a name is of: exactly one that is in the table, or an error that names those like it."""

from __future__ import annotations

import re
from functools import cache

from curta.costs.accelerators import ACCELERATORS, Accelerator
from curta.errors import DeviceError

#: what stands before a product's own name, and tells nothing apart
_MAKERS = frozenset({"nvidia", "amd", "google", "cloud", "tesla", "geforce", "instinct", "radeon"})
_SHOWN = 4


def key(name: str) -> str:
    """A name without case, maker, and how its parts are joined. Nothing that tells two products apart is dropped.

    >>> key("NVIDIA A100-SXM4-80GB"), key("Tesla V100-PCIE-16GB"), key("NVIDIA GeForce RTX 4090 Laptop GPU")
    ('a100 sxm4 80gb', 'v100 pcie 16gb', 'rtx 4090 laptop gpu')
    """
    words = re.sub(r"[^a-z0-9]+", " ", name.lower()).split()
    while words and words[0] in _MAKERS:
        del words[0]
    return " ".join(words)


@cache
def _keys() -> dict[str, Accelerator]:
    return {key(name): one for one in ACCELERATORS for name in (one.name, *one.aliases)}


def accelerator(name: str) -> Accelerator:
    """The accelerator that has this name; DeviceError for any other name, with those that are near it.

    A name is taken whole: "NVIDIA L40" is not an L40S, "NVIDIA GeForce RTX 4090 Laptop GPU" is not an RTX 4090.

    >>> accelerator("nvidia l40s").name
    'NVIDIA L40S'
    >>> accelerator("NVIDIA L40")
    Traceback (most recent call last):
    curta.errors.DeviceError: peak: there are no figures of 'NVIDIA L40'; near it are NVIDIA L4, NVIDIA L40S. If you
    know what it does, say so: curta.Peak(flops_per_second, dtype, bytes_per_second)
    """
    found = _keys().get(key(name))
    if found is not None:
        return found
    near = ", ".join(near_names(name))
    raise DeviceError(
        f"peak: there are no figures of {name!r}; {f'near it are {near}' if near else 'nothing is near it'}. "
        "If you know what it does, say so: curta.Peak(flops_per_second, dtype, bytes_per_second)"
    )


def near_names(name: str) -> list[str]:
    """The accelerators with names like this one, the most alike first: a family, then those spelt alike.

    >>> near_names("A100")
    ['NVIDIA A100 SXM 40GB', 'NVIDIA A100 SXM 80GB', 'NVIDIA A100 PCIe 40GB', 'NVIDIA A100 PCIe 80GB']
    """
    import difflib  # only errors need it

    wanted = key(name)
    words = set(wanted.split())
    family = [one for text, one in _keys().items() if words and words <= set(text.split())]
    family += [one for text, one in _keys().items() if any(_one_begins(word, text.split()[0]) for word in words)]
    alike = [_keys()[text] for text in difflib.get_close_matches(wanted, _keys(), n=3 * _SHOWN, cutoff=0.5)]
    return list(dict.fromkeys(one.name for one in (*family, *alike)))[:_SHOWN]


def _one_begins(first: str, second: str) -> bool:
    return first.startswith(second) or second.startswith(first)
