"""Unpacks a compressed Linux kernel: QEMU starts the ELF file inside as it is, and nothing has to
be unpacked in the guest, which takes many seconds where a processor is emulated.

    unpack_kernel.py vmlinuz vmlinux
"""

import lzma
import sys
import zlib

MAGIC = {b"\xfd7zXZ\x00": lambda: lzma.LZMADecompressor(), b"\x1f\x8b\x08": lambda: zlib.decompressobj(31)}


def unpack(image: bytes) -> bytes:
    """The first stream in the image that is an ELF file."""
    for magic, decompressor in MAGIC.items():
        place = image.find(magic)
        while place >= 0:
            try:
                content = decompressor().decompress(image[place:])
            except (lzma.LZMAError, zlib.error):
                content = b""
            if content.startswith(b"\x7fELF"):
                return content
            place = image.find(magic, place + 1)
    raise SystemExit("no kernel is in there that this program can unpack")


if __name__ == "__main__":
    source, target = sys.argv[1:]
    with open(source, "rb") as file:
        kernel = unpack(file.read())
    with open(target, "wb") as file:
        file.write(kernel)
