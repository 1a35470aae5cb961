"""`curta sample`: continues a text with trained weights."""

from __future__ import annotations

import codecs
import sys

import curta
from curta.cli.checkpoint import load
from curta.cli.display import printable
from curta.cli.options import SampleOptions


class Stream:
    """Writes bytes to standard output as text, at once, holding back the bytes of an unfinished character."""

    def __init__(self) -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.encoding = sys.stdout.encoding or "utf-8"

    def write(self, content: bytes, final: bool = False) -> None:
        """Show `content`; with `final`, also what was held back."""
        text = printable(self.decoder.decode(content, final))
        sys.stdout.write(text.encode(self.encoding, "replace").decode(self.encoding))
        sys.stdout.flush()


def sample(options: SampleOptions) -> int:
    """Print the prompt and its continuation, byte by byte as they are drawn, and return exit code 0.

    Raises `CommandError` for a checkpoint that is missing, corrupt or does not match.
    """
    model = load(options.directory)
    if options.threads is not None:
        curta.set_num_threads(options.threads)
    # surrogateescape: an argument's bytes that are not UTF-8 reach the model as they were typed.
    prompt = options.prompt.encode("utf-8", "surrogateescape")
    stream = Stream()
    stream.write(prompt)
    model.generate(
        prompt,
        options.tokens,
        temperature=options.temperature,
        top_k=options.top_k,
        seed=options.seed,
        on_token=lambda token: stream.write(bytes([token])),
    )
    stream.write(b"\n", final=True)
    return 0
