"""Runs a command in the guest: a processor with AVX-512 and AMX, emulated; what it prints is shown as it comes."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.emulated.build import ROOT, emulator, filesystem, guest_disk, packages, site_packages, start_disk

#: of the repository, what the guest gets
SOURCES = ("src", "tests", "conftest.py", "pyproject.toml")
#: what the guest's first program prints last
END = "curta: exit status "

SETTINGS = """config_interface: textconfig
display_library: nogui
cpu: model=sapphire_rapids, count=1, ips=200000000, reset_on_triple_fault=0
memory: guest={memory}, host={memory}
romimage: file={packages}/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file={packages}/usr/share/vgabios/vgabios.bin
ata0-master: type=disk, path={guest}, mode=volatile
ata0-slave: type=disk, path={curta}, mode=flat
ata1-master: type=cdrom, path={cd}, status=inserted
boot: cdrom
clock: sync=none
com1: enabled=1, mode=file, dev={output}
log: {log}
panic: action=fatal
error: action=report
info: action=ignore
"""


def run(command: str, place: Path, *, memory: int = 2048) -> int:
    """Boot a guest that runs a shell's command in a copy of the repository; its exit status."""
    shutil.rmtree(place, ignore_errors=True)
    folder = place / "curta"
    folder.mkdir(parents=True)
    for name in SOURCES:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, folder / name)
    (folder / "command").write_text(f"""export PATH=/bin HOME=/root PYTHONPATH=src:.:{site_packages()}
cd /curta
{command}
""")
    curta = filesystem(folder, place / "curta.img", 256)
    output = place / "output"
    settings = SETTINGS.format(
        memory=memory, packages=packages(), guest=guest_disk(), curta=curta, cd=start_disk(), output=output,
        log=place / "log",
    )  # fmt: skip
    (place / "settings").write_text(settings)
    program = emulator()
    output.touch()
    emulated = subprocess.Popen(
        [program, "-q", "-f", place / "settings"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, cwd=place,
    )  # fmt: skip
    try:
        return _follow(output, emulated)
    finally:
        emulated.kill()
        emulated.wait()


def _follow(output: Path, emulated: subprocess.Popen[bytes]) -> int:
    """Show a guest's serial output until its first program has ended."""
    with output.open(errors="replace") as lines:
        while True:
            running = emulated.poll() is None
            line = ""
            while not line.endswith("\n"):
                more = lines.readline()
                line += more
                if not more:
                    if not running:
                        raise SystemExit(f"the emulator ended with {emulated.returncode}: see {output.parent / 'log'}")
                    time.sleep(0.2)
                    running = emulated.poll() is None
            if line.startswith(END):
                return int(line[len(END) :])
            sys.stdout.write(line)
            sys.stdout.flush()
