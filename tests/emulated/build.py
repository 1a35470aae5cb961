"""Builds what `python -m tests.emulated` boots: the emulator, a CD to start from, and a disk with Python and packages.

Needs Debian (root is not needed): `apt-get` for the packages below, a C++ compiler, `make` and `mkfs.ext4`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
#: everything that is made here goes there
WORK = Path(os.environ.get("CURTA_EMULATED", ROOT / "build" / "emulated"))

#: Debian's source of the emulator in trixie, found on the mirror that apt uses: bookworm's 2.7 has no AMX
BOCHS = "pool/main/b/bochs/bochs_3.0+dfsg.orig.tar.xz"
OPTIONS = (
    "--with-nogui", "--enable-x86-64", "--enable-cpu-level=6", "--enable-avx", "--enable-evex", "--enable-amx",
    "--enable-memtype", "--enable-protection-keys", "--enable-cet", "--enable-vmx=2", "--enable-monitor-mwait",
    "--enable-all-optimizations", "--disable-docbook",
)  # fmt: skip
#: the kernel for clouds: serial port and ext4 built in, few modules
KERNEL = "linux-image-cloud-amd64"
PACKAGES = (
    "isolinux", "syslinux-common", "xorriso", "libisoburn1", "libburn4", "libisofs6", "libjte2", "busybox-static",
    "bochsbios", "vgabios",
)  # fmt: skip
#: in the order in which they are loaded
MODULES = ("scsi_common", "scsi_mod", "sd_mod", "libata", "ata_piix")
#: what the tests never import, or not in the guest
LEFT_OUT = ("test", "tests", "idlelib", "tkinter", "ensurepip", "lib2to3", "turtledemo", "config-3*", "*.a", "mypy",
            "mypyc", "*mypyc*.so", "ruff*", "pip", "setuptools", "fontTools", "matplotlib")  # fmt: skip
#: the emulator's processor says that it copies short strings fast, but not that it does long ones: Linux 6.1's own
#: copying fails on that; and its firmware cannot leave system management mode with five levels of pages
COMMAND_LINE = (
    "console=ttyS0 mitigations=off nokaslr random.trust_cpu=on tsc=reliable clearcpuid=fsrm no5lvl quiet panic=-1"
)

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t devtmpfs none /dev
for module in {modules}; do insmod /modules/$module.ko; done
mount /dev/sda /guest && mount /dev/sdb /guest/curta
mount --bind /dev /guest/dev
mount -t proc none /guest/proc
mount -t sysfs none /guest/sys
mount -t tmpfs none /guest/tmp
chroot /guest /bin/busybox sh /curta/command
echo "curta: exit status $?"
umount /guest/curta
# what is still on its way through the serial port would be lost
sleep 2
poweroff -f
"""


def run(*command: object, cwd: Path | None = None, **environment: str) -> str:
    """Run a command to its end; what it printed. Its output is shown if it fails."""
    texts = [str(part) for part in command]
    done = subprocess.run(
        texts, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(texts)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def emulator() -> Path:
    """The emulator's program."""
    source = WORK / "bochs-3.0"
    program = source / "bochs"
    if not program.exists():
        print("building the emulator", flush=True)
        archive = WORK / Path(BOCHS).name
        for mirror in run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages").split():
            if not archive.exists():
                with suppress(OSError):
                    urllib.request.urlretrieve(f"{mirror.rstrip('/')}/{BOCHS}", archive)
        run("tar", "-xf", archive, cwd=WORK)
        # without a register that Linux asks for before it lets a process use tiles, XFD
        run("patch", "-p1", "-i", HERE / "bochs.patch", cwd=source)
        run("./configure", *OPTIONS, cwd=source, CXXFLAGS="-O2 -march=native", CFLAGS="-O2 -march=native")
        run("make", "-s", f"-j{os.cpu_count()}", cwd=source)
    return program


def packages() -> Path:
    """Debian's packages, unpacked into one folder and installed nowhere."""
    place = WORK / "packages"
    if not place.exists():
        print("fetching Debian's packages", flush=True)
        fetched = WORK / "fetched"
        fetched.mkdir(parents=True, exist_ok=True)
        shown = run("apt-cache", "depends", KERNEL)
        kernel = next(line.split()[-1] for line in shown.splitlines() if "Depends: linux-image-" in line)
        run("apt-get", "download", f"{kernel}", *PACKAGES, cwd=fetched)
        for package in fetched.glob("*.deb"):
            run("dpkg-deb", "-x", package, WORK / "packages.part")
        (WORK / "packages.part").rename(place)
    return place


def start_disk() -> Path:
    """A CD that starts Linux with a first program of our own (`INIT`)."""
    disk = WORK / "start.iso"
    if disk.exists():
        return disk
    print("making the CD", flush=True)
    found, start, cd = packages(), WORK / "start", WORK / "cd"
    for place in (start, cd):
        shutil.rmtree(place, ignore_errors=True)
    for folder in ("bin", "proc", "dev", "modules", "guest"):
        (start / folder).mkdir(parents=True)
    shutil.copy(found / "bin" / "busybox", start / "bin")
    for name in MODULES:
        shutil.copy(next((found / "lib" / "modules").rglob(f"{name}.ko")), start / "modules")
    (start / "init").write_text(INIT.format(modules=" ".join(MODULES)))
    (start / "init").chmod(0o755)
    cd.mkdir()
    names = "\n".join(str(path.relative_to(start)) for path in sorted(start.rglob("*")))
    packed = subprocess.run(
        [found / "bin" / "busybox", "cpio", "-o", "-H", "newc"], cwd=start, input=names.encode(), capture_output=True,
        check=True,
    )  # fmt: skip
    (cd / "start.cpio").write_bytes(packed.stdout)
    shutil.copy(next((found / "boot").glob("vmlinuz-*")), cd / "linux")
    shutil.copy(found / "usr" / "lib" / "ISOLINUX" / "isolinux.bin", cd)
    shutil.copy(found / "usr" / "lib" / "syslinux" / "modules" / "bios" / "ldlinux.c32", cd)
    (cd / "isolinux.cfg").write_text(
        f"default linux\nlabel linux\nkernel linux\nappend initrd=start.cpio {COMMAND_LINE}\n"
    )
    libraries = found / "usr" / "lib" / "x86_64-linux-gnu"
    run(
        found / "usr" / "bin" / "xorriso", "-as", "mkisofs", "-quiet", "-o", disk, "-b", "isolinux.bin",
        "-c", "boot.cat", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", cd,
        LD_LIBRARY_PATH=str(libraries),
    )  # fmt: skip
    return disk


def _libraries(programs: Iterable[Path]) -> set[Path]:
    """The system's shared libraries that programs need, and the loader."""
    lines = run("ldd", *programs).splitlines()
    words = [word for line in lines for word in line.split() if word.startswith("/") and not word.endswith(":")]
    return {Path(word) for word in words if not word.startswith((sys.base_prefix, sys.prefix))}


def guest_disk() -> Path:
    """The guest's disk: this Python and the packages that it can import, at the same paths as here."""
    image = WORK / "guest.img"
    if image.exists():
        return image
    print("making the guest's disk", flush=True)
    guest = WORK / "guest"
    shutil.rmtree(guest, ignore_errors=True)
    for folder in ("bin", "dev", "proc", "sys", "tmp", "curta", "root", "etc"):
        (guest / folder).mkdir(parents=True)
    shutil.copy(packages() / "bin" / "busybox", guest / "bin")
    os.symlink("busybox", guest / "bin" / "sh")
    library = Path(os.__file__).parent
    left_out = shutil.ignore_patterns(*LEFT_OUT)
    for source in (library, site_packages()):
        ignore = left_out if source != library else shutil.ignore_patterns(*LEFT_OUT, "site-packages")
        shutil.copytree(source, f"{guest}{source}", symlinks=True, ignore=ignore)
    python = Path(sys.executable).resolve()
    Path(f"{guest}{python}").parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(python, f"{guest}{python}")
    for shared in Path(sys.base_prefix, "lib").glob("libpython3*"):
        shutil.copy(shared, f"{guest}{shared}", follow_symlinks=False)
    programs = [path for path in guest.rglob("*.so*") if path.is_file() and not path.is_symlink()]
    for needed in sorted(_libraries([python, *programs])):
        target = Path(f"{guest}{needed}")
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(needed, target)
    return filesystem(guest, image, 900)


def site_packages() -> Path:
    import numpy

    return Path(numpy.__file__).parent.parent


def filesystem(folder: Path, image: Path, megabytes: int) -> Path:
    """A disk image whose one file system has what a folder has."""
    # a whole number of the emulated disk's cylinders
    cylinder = 16 * 63 * 512
    part = image.with_suffix(".part")
    with part.open("wb") as file:
        file.truncate(-(-(megabytes << 20) // cylinder) * cylinder)
    run("mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^has_journal", "-E", "root_owner=0:0", "-d", folder, part)
    part.replace(image)
    return image
