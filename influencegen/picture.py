"""Pictures that are whole: what their header announces is there, to the last pixel.

Pillow can't be asked: Odoo has it accept truncated files, in the whole process, and even without that it fills up what
a PNG's or a JPEG's data lack if the file ends as it should. So it is the end of the data that is looked for here;
Pillow then decodes them, which finds what is broken in another way. In a progressive JPEG, scans refine the picture one
after the other, and any scan may be short: a complete file can't be distinguished from a coarse one.
"""

import re
import struct
import zlib
from io import BytesIO

from PIL import Image, JpegImagePlugin, PngImagePlugin

MAX_PIXELS = 50_000_000

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_INTERLACED = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_WHOLE = ((0, 0, 1, 1),)
_PIECE = 1 << 20
_BROKEN = (OSError, SyntaxError, EOFError, IndexError, struct.error, zlib.error)
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN, _END = 0xDA, 0xD9
_READ_AHEAD = bytes(16)
_NEXT_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.DOTALL)


def check(content):
    """Return the MIME type of a PNG or JPEG file.

    :param bytes content: the file
    :raises ValueError: it is neither, has more than MAX_PIXELS, is animated, or isn't whole
    """
    try:
        if content.startswith(_PNG):
            _check_png(content)
            with PngImagePlugin.PngImageFile(BytesIO(content)) as picture:
                picture.load()
            return "image/png"
        if content.startswith(_JPEG):
            with JpegImagePlugin.JpegImageFile(_Whole(_check_jpeg(content))) as picture:
                picture.load()
            return "image/jpeg"
    except (*_BROKEN, Image.DecompressionBombError) as error:
        raise ValueError("unreadable") from error
    raise ValueError("neither PNG nor JPEG")


class _Whole(BytesIO):
    """A file whose end is not to be read past: Pillow goes on reading only for what is missing."""

    def read(self, size=-1):
        data = super().read(size)
        if size and not data:
            raise EOFError("truncated")
        return data


def _check_size(width, height):
    if not 0 < width * height <= MAX_PIXELS:
        raise ValueError("too large")


def _check_png(content):
    """Check each chunk's checksum, and that the pixels of all rows are there."""
    kind, missing, pixels, at = None, 0, zlib.decompressobj(), len(_PNG)
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", content, at)
        data = content[at + 8 : at + 8 + length]
        [checksum] = struct.unpack_from(">I", content, at + 8 + length)
        if checksum != zlib.crc32(data, zlib.crc32(kind)):
            raise ValueError("broken")
        if kind == b"IHDR":
            missing = _bytes_of_pixels(*struct.unpack(">IIBBBBB", data))
        elif kind == b"acTL":
            raise ValueError("animated")
        elif kind == b"IDAT":
            while data and missing > 0:
                missing -= len(pixels.decompress(data, _PIECE))
                data = pixels.unconsumed_tail
        at += length + 12
    if missing > 0:
        raise ValueError("truncated")


def _bytes_of_pixels(width, height, depth, colour, _compression, _filter, interlaced):
    """Return how many bytes the rows have, each with the byte that names its filter."""
    _check_size(width, height)
    bits, total = depth * _CHANNELS.get(colour, 1), 0
    for left, top, across, down in _INTERLACED if interlaced else _WHOLE:
        columns, rows = -((left - width) // across), -((top - height) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits + 7) // 8)
    return total


def _check_jpeg(content):
    """Return the part of the file that Pillow has to decode, without what a camera appends to a picture."""
    frame, scans, at = None, [], 2
    while True:
        found = _NEXT_MARKER.search(content, at)
        if not found or (found.start() != at and not scans):
            raise ValueError("truncated")
        marker, at = found[1][0], found.end()
        if scans and scans[-1][1] is None:
            scans[-1] = scans[-1][0], found.start()
        if marker == _END:
            break
        [length] = struct.unpack_from(">H", content, at)
        if marker in _START_OF_FRAME:
            frame = struct.unpack_from(">HH", content, at + 3)
            _check_size(*frame)
        at += length
        if marker == _START_OF_SCAN:
            scans.append((at, None))
    if not frame or not scans:
        raise ValueError("without a picture")
    height, width = frame
    begin, end = scans[0]
    # the first scan has at least one bit for each block of 8x8 pixels
    if (end - begin) * 8 < -(-width // 8) * -(-height // 8):
        raise ValueError("truncated")
    # where all is in one scan, the decoder is to find the last pixel in it, and reads a little ahead
    return content[:end] + _READ_AHEAD if len(scans) == 1 else content[:at]
