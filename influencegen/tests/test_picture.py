import struct
import zlib
from io import BytesIO
from random import Random

from PIL import Image, ImageFile

from odoo.tests import BaseCase, tagged

from .. import picture

END = b"\xff\xd9"


def drawn(kind, size=(61, 47), mode="RGB", **options):
    """Return an image file with noise in it."""
    image = Image.new(mode, size)
    image.frombytes(Random(1).randbytes(len(image.tobytes())))
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, pixels, interlaced=0):
    """Return a PNG of 24 bits a pixel whose chunks are right, whatever they hold."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, interlaced)
    data = zlib.compress(pixels)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@tagged("post_install", "-at_install")
class TestPicture(BaseCase):
    """Odoo's own setting of Pillow holds here: truncated files are accepted by it."""

    def assertRefused(self, content):
        with self.assertRaises(ValueError):
            picture.check(content)

    def test_pillow_would_take_them(self):
        self.assertTrue(ImageFile.LOAD_TRUNCATED_IMAGES)

    def test_whole(self):
        for mode in ("RGB", "RGBA", "L", "LA", "P", "1", "I;16"):
            with self.subTest("PNG", mode=mode):
                self.assertEqual(picture.check(drawn("PNG", mode=mode)), "image/png")
        for options in ({}, {"progressive": True}, {"optimize": True}, {"subsampling": 0}, {"restart_marker_rows": 1}):
            for size in ((1, 1), (8, 8), (17, 33), (300, 200)):
                with self.subTest("JPEG", options=options, size=size):
                    self.assertEqual(picture.check(drawn("JPEG", size, **options)), "image/jpeg")
        self.assertEqual(picture.check(drawn("JPEG", mode="CMYK")), "image/jpeg")
        self.assertEqual(picture.check(drawn("JPEG") + b"what a camera appends"), "image/jpeg")
        # Adam7: the passes of 5x5 pixels have 1x1, 1x1, 2x1, 1x2, 3x1, 2x3, 5x2
        passes = sum(rows * (1 + 3 * columns) for columns, rows in (
            (1, 1), (1, 1), (2, 1), (1, 2), (3, 1), (2, 3), (5, 2),
        ))  # fmt: skip
        self.assertEqual(picture.check(png(5, 5, bytes(passes), interlaced=1)), "image/png")
        self.assertRefused(png(5, 5, bytes(passes - 1), interlaced=1))

    def test_header_that_claims_more(self):
        self.assertRefused(png(7000, 7000, bytes(100)))
        self.assertRefused(png(4, 4, bytes(51)))
        self.assertEqual(picture.check(png(4, 4, bytes(52))), "image/png")
        for progressive in (False, True):
            content = bytearray(drawn("JPEG", progressive=progressive))
            at = content.index(b"\xff\xc2" if progressive else b"\xff\xc0") + 5
            content[at : at + 4] = struct.pack(">HH", 7000, 7000)
            self.assertRefused(bytes(content))

    def test_cut_off(self):
        for content in (drawn("PNG"), drawn("JPEG"), drawn("JPEG", progressive=True)):
            for length in (0, 3, 10, len(content) // 2, len(content) - 20, len(content) - 2, len(content) - 1):
                with self.subTest(length=length):
                    self.assertRefused(content[:length])
        content = drawn("JPEG")
        for length in (len(content) // 2, len(content) - 200):
            with self.subTest("with an end", length=length):
                self.assertRefused(content[:length] + END)

    def test_too_large(self):
        self.assertRefused(png(70_000, 7_000, b""))

    def test_neither(self):
        for kind in ("GIF", "BMP", "ICO"):
            self.assertRefused(drawn(kind))
        self.assertRefused(b"<svg xmlns='http://www.w3.org/2000/svg'/>")

    def test_animated(self):
        frames = [Image.new("RGB", (9, 9), colour) for colour in ("teal", "red")]
        file = BytesIO()
        frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
        self.assertRefused(file.getvalue())
