import io
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from autoencoders.core.errors import ArgumentError
from autoencoders.images.forms import Form
from autoencoders.images.pictures import UnreadablePicture, fitted, read

# pytest sets the filters of warnings anew for each test; `test_nothing_is_said_on_the_terminal` sees to them.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

OWN = Form()
GREY = Form(colour="grey")
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
# Two rows of three pixels, all different, so that no turning of it looks like another.
CORNERS = np.array([[[10] * 3, [20] * 3, [30] * 3], [[40] * 3, [50] * 3, [60] * 3]], np.uint8)


def saved(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, depth: int, kind: int, rows: list[bytes], *extra: bytes) -> bytes:
    """A PNG by hand: `kind` 0 is grey, 2 colours, 4 grey and opacity, 6 colours and opacity."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = [chunk(b"IHDR", header), *extra, chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def photograph(package: str, file: str) -> Path:
    return Path(find_spec(package).origin).parent / file


CAT = photograph("skimage", "data/chelsea.png")
ROCKET = photograph("skimage", "data/rocket.jpg")


def shown(content: bytes, form: Form = OWN) -> list:
    return read(content, form).pixels.tolist()


# The forms of pixels


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "WEBP"])
def test_colours_come_as_they_are(kind):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    options = {"lossless": True} if kind == "WEBP" else {}
    picture = read(saved(Image.fromarray(pixels), kind, **options), OWN)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.tolist() == pixels.tolist()
    assert picture[1:] == (7, 5, "RGB")


def test_grey_is_the_rounded_mean_of_the_channels_and_grey_pictures_stay():
    colours = Image.fromarray(np.array([[[59, 62, 63], [0, 0, 1], [0, 1, 1], [255, 255, 254]]], np.uint8))
    assert shown(saved(colours, "PNG"), GREY) == [[[61], [0], [1], [255]]]
    greys = saved(Image.fromarray(np.array([[0, 7, 255]], np.uint8)), "PNG")
    assert shown(greys, GREY) == [[[0], [7], [255]]]
    assert shown(greys) == [[[0] * 3, [7] * 3, [255] * 3]]


def test_one_bit_is_black_or_white():
    content = saved(Image.fromarray(np.array([[True, False, True]])), "PNG")
    assert read(content, GREY).mode == "1"
    assert shown(content, GREY) == [[[255], [0], [255]]]


def test_a_palette_is_looked_up():
    image = Image.new("P", (3, 1))
    image.putpalette([*RED, *GREEN, *BLUE])
    image.putdata([2, 0, 1])
    for kind in ("PNG", "GIF", "BMP", "TIFF"):
        assert shown(saved(image, kind)) == [[[*BLUE], [*RED], [*GREEN]]]


def test_transparency_lies_on_white():
    # Half of black on white: (0 * 128 + 255 * 127) / 255 = 127.
    rgba = Image.new("RGBA", (3, 1))
    rgba.putdata([(*RED, 255), (0, 0, 0, 128), (9, 9, 9, 0)])
    assert shown(saved(rgba, "PNG")) == [[[*RED], [127] * 3, [255] * 3]]
    assert shown(saved(rgba, "WEBP", lossless=True, exact=True)) == [[[*RED], [127] * 3, [255] * 3]]
    grey = Image.new("LA", (3, 1))
    grey.putdata([(7, 255), (0, 128), (9, 0)])
    assert shown(saved(grey, "PNG"), GREY) == [[[7], [127], [255]]]


def test_a_palettes_transparency_lies_on_white():
    image = Image.new("P", (3, 1))
    image.putpalette([*RED, 0, 0, 0, *BLUE])
    image.putdata([0, 1, 2])
    # One opacity for each colour of the palette, and one colour that is transparent.
    assert shown(saved(image, "PNG", transparency=bytes([255, 128, 0]))) == [[[*RED], [127] * 3, [255] * 3]]
    for kind in ("PNG", "GIF"):
        assert shown(saved(image, kind, transparency=2)) == [[[*RED], [0] * 3, [255] * 3]]


def test_a_colour_that_stands_for_transparency_is_white():
    assert shown(saved(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG", transparency=(1, 2, 3))) == [[[255] * 3]]
    assert shown(saved(Image.new("L", (1, 1), 9), "PNG", transparency=9), GREY) == [[[255]]]


def test_cmyk_is_red_green_and_blue():
    # Red, for one, is white paper less what its ink takes, times what black leaves.
    image = Image.new("CMYK", (3, 1))
    image.putdata([(255, 0, 0, 0), (0, 255, 255, 0), (0, 0, 0, 155)])
    picture = read(saved(image, "TIFF"), OWN)
    assert picture.pixels.tolist() == [[[0, 255, 255], [255, 0, 0], [100] * 3]]
    assert picture.mode == "CMYK"
    jpeg = read(saved(image.resize((24, 8), Image.Resampling.NEAREST), "JPEG", quality=100), OWN)
    assert jpeg.mode == "CMYK"
    assert np.abs(jpeg.pixels[4, [3, 11, 20]].astype(int) - picture.pixels[0]).max() <= 3


@pytest.mark.parametrize(
    ("value", "scaled"), [(0, 0), (128, 0), (129, 1), (255, 1), (257, 1), (32767, 127), (32768, 128), (65535, 255)]
)
def test_sixteen_bits_are_scaled_and_rounded(value, scaled):
    assert scaled == round(value / 257)
    word = value.to_bytes(2, "big")
    forms = {
        "grey png": png(1, 1, 16, 0, [word]),
        "grey pgm": b"P5 1 1 65535\n" + word,
        "grey tiff": saved(Image.fromarray(np.array([[value]], np.uint16)), "TIFF"),
        "grey and opacity": png(1, 1, 16, 4, [word + b"\xff\xff"]),
        "colours png": png(1, 1, 16, 2, [word * 3]),
        "colours and opacity": png(1, 1, 16, 6, [word * 3 + b"\xff\xff"]),
        "colours ppm": b"P6 1 1 65535\n" + word * 3,
    }
    assert {name: shown(content) for name, content in forms.items()} == dict.fromkeys(forms, [[[scaled] * 3]])


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_colours_of_sixteen_bits_in_a_tiff_are_scaled(tmp_path, compression, order):
    tifffile = pytest.importorskip("tifffile")
    values = np.random.default_rng(0).integers(0, 65536, (6, 5, 3), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", compression=compression, byteorder=order)
    assert read(tmp_path / "a.tif", OWN).pixels.tolist() == np.round(values / 257).astype(int).tolist()


def test_other_tiffs_of_sixteen_bits_are_read_right_or_refused(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    values = np.array([[0, 1000, 65535]], np.uint16)
    file = tmp_path / "a.tif"
    tifffile.imwrite(file, values, photometric="miniswhite")
    assert read(file, GREY).pixels[..., 0].tolist() == [[255, 251, 0]]
    # Four inks of 1000, which is 4 of 255: (255 - 4) * (255 - 4) / 255 = 247.
    tifffile.imwrite(file, np.stack([values] * 4, axis=-1), photometric="separated")
    assert read(file, GREY).pixels[..., 0].tolist() == [[255, 247, 0]]
    tifffile.imwrite(file, np.stack([values] * 3), photometric="rgb", planarconfig="separate")
    with pytest.raises(UnreadablePicture, match="^has colours of 16 bits in separate planes, which are not read$"):
        read(file, OWN)
    tifffile.imwrite(file, np.array([[[1]], [[2]], [[3]]], np.uint8), photometric="rgb", planarconfig="separate")
    assert read(file, OWN).pixels.tolist() == [[[1, 2, 3]]]


def test_a_value_of_sixteen_bits_that_stands_for_transparency_is_white():
    key = (513).to_bytes(2, "big")
    other = (512).to_bytes(2, "big")
    assert shown(png(2, 1, 16, 0, [key + other], chunk(b"tRNS", key)), GREY) == [[[255], [2]]]
    assert shown(png(2, 1, 16, 2, [key * 3 + other * 3], chunk(b"tRNS", key * 3))) == [[[255] * 3, [2] * 3]]


def test_an_interlaced_png_and_a_progressive_jpeg_are_read():
    # Adam7 of 2x2 pixels: pass 1 has the first pixel, pass 6 the second, pass 7 the second row.
    header = struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 1)
    passes = zlib.compress(b"\0\x0a" + b"\0\x14" + b"\0\x1e\x28")
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", passes) + chunk(b"IEND", b"")
    assert shown(b"\x89PNG\r\n\x1a\n" + chunks, GREY) == [[[10], [20]], [[30], [40]]]
    with Image.open(ROCKET) as image:
        plain, progressive = (saved(image, "JPEG", quality=90, progressive=how) for how in (False, True))
    assert b"\xff\xc2" in progressive[:2000]
    for form in (OWN, Form((32, 32))):
        assert np.array_equal(read(plain, form).pixels, read(progressive, form).pixels)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_several_is_read(kind):
    frames = [Image.new("RGB", (2, 2), colour) for colour in (RED, GREEN, BLUE)]
    options = {"lossless": True} if kind == "WEBP" else {}
    content = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    with Image.open(io.BytesIO(content)) as image:
        assert image.n_frames == 3
    assert shown(content) == [[[*RED]] * 2] * 2


def test_the_first_of_a_phones_several_pictures_in_a_jpeg_is_read():
    with Image.open(ROCKET) as image:
        several = saved(image, "MPO", save_all=True, append_images=[Image.new("RGB", image.size)], quality=90)
        expected = saved(image, "JPEG", quality=90)
    for form in (OWN, Form((32, 32))):
        assert np.array_equal(read(several, form).pixels, read(expected, form).pixels)
    # The list of pictures in it points nowhere.
    damaged = several.replace(b"MPF\0II*\0", b"MPF\0II*\xff")
    assert damaged != several
    assert np.array_equal(read(damaged, OWN).pixels, read(expected, OWN).pixels)


@pytest.mark.parametrize("mode", ["F", "I"])
def test_values_without_a_fixed_range_are_refused(mode):
    with pytest.raises(UnreadablePicture, match=f"has values of the form {mode}, whose range is not known"):
        read(saved(Image.new(mode, (2, 2)), "TIFF"), OWN)


def test_lab_is_refused():
    image = Image.new("RGB", (2, 2), RED)
    lab = ImageCms.profileToProfile(
        image, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    with pytest.raises(UnreadablePicture, match="form LAB"):
        read(saved(lab, "TIFF"), OWN)


# Upright

# How CORNERS looks upright, where it is stored under each orientation of EXIF.
UPRIGHT = {
    1: [[10, 20, 30], [40, 50, 60]],
    2: [[30, 20, 10], [60, 50, 40]],
    3: [[60, 50, 40], [30, 20, 10]],
    4: [[40, 50, 60], [10, 20, 30]],
    5: [[10, 40], [20, 50], [30, 60]],
    6: [[40, 10], [50, 20], [60, 30]],
    7: [[60, 30], [50, 20], [40, 10]],
    8: [[30, 60], [20, 50], [10, 40]],
}


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_pictures_are_turned_upright(kind, orientation):
    options = {"lossless": True} if kind == "WEBP" else {}
    picture = read(saved(Image.fromarray(CORNERS), kind, exif=turned(orientation), **options), OWN)
    assert picture.pixels[..., 0].tolist() == UPRIGHT[orientation]
    assert (picture.width, picture.height) == (3, 2)


@pytest.mark.parametrize("size", [None, (40, 20), (20, 40)])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_a_jpeg_is_turned_upright_before_it_is_fitted(orientation, size):
    # Each pixel of CORNERS becomes a square of 160 pixels, so that the JPEG is unpacked at a smaller scale.
    large = Image.fromarray(CORNERS).resize((480, 320), Image.Resampling.NEAREST)
    expected = np.array(UPRIGHT[orientation])
    picture = read(saved(large, "JPEG", quality=95, exif=turned(orientation)), Form(size, "stretch"))
    height, width = picture.pixels.shape[:2]
    assert (height, width) == (size or tuple(160 * side for side in expected.shape))
    rows, columns = expected.shape
    middles = picture.pixels[height // (2 * rows) :: height // rows, width // (2 * columns) :: width // columns, 0]
    assert np.abs(middles[:rows, :columns].astype(int) - expected).max() <= 4


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_orientation_that_there_is_not_turns_nothing(orientation):
    content = saved(Image.fromarray(CORNERS), "PNG", exif=turned(orientation))
    assert read(content, OWN).pixels[..., 0].tolist() == UPRIGHT[1]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
@pytest.mark.parametrize("exif", [b"", b"II*\0", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff", b"nonsense" * 9])
def test_malformed_exif_costs_the_rotation_and_not_the_picture(kind, exif):
    image = Image.fromarray(CORNERS)
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    content = saved(image, kind, exif=b"Exif\0\0" + exif, **options)
    assert np.abs(read(content, OWN).pixels.astype(int) - CORNERS).max() <= 2


# Sizes


def test_crop_takes_the_middle_pad_keeps_all_and_stretch_fills():
    # 4 rows of 8 pixels: 2 columns of red, 4 of green, 2 of blue.
    image = Image.new("RGB", (8, 4), GREEN)
    image.paste(RED, (0, 0, 2, 4))
    image.paste(BLUE, (6, 0, 8, 4))
    content = saved(image, "PNG")
    assert shown(content, Form((4, 4))) == [[[*GREEN]] * 4] * 4
    padded = read(content, Form((8, 8), "pad")).pixels
    assert padded[2:6].tolist() == np.asarray(image).tolist()
    assert not padded[:2].any() and not padded[6:].any()
    assert np.array_equal(padded, read(content, Form((8, 8), "pad")).pixels)
    stretched = read(content, Form((4, 8), "stretch")).pixels
    assert stretched.tolist() == np.asarray(image).tolist()
    assert read(content, Form((6, 2), "stretch")).pixels.shape == (6, 2, 3)


def test_a_standing_picture_is_cropped_and_padded_too():
    image = Image.new("L", (3, 9), 50)
    image.paste(200, (0, 3, 3, 6))
    content = saved(image, "PNG")
    assert shown(content, Form((3, 3), colour="grey")) == [[[200]] * 3] * 3
    padded = read(content, Form((9, 9), "pad", "grey")).pixels[..., 0]
    assert padded[:, 3:6].tolist() == np.asarray(image).tolist() and not padded[:, [0, 1, 2, 6, 7, 8]].any()


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (3, 1000), (999, 1001)])
def test_every_shape_comes_to_the_size_and_stays_of_one_colour(fit, shape):
    content = saved(Image.new("L", shape, 77), "JPEG")
    pixels = read(content, Form((32, 24), fit, "grey")).pixels
    assert pixels.shape == (32, 24, 1)
    inside = pixels[pixels > 0]
    assert (inside == 77).all() and inside.size >= 24
    if fit != "pad":
        assert inside.size == 32 * 24


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_jpeg_unpacked_at_a_smaller_scale_is_nearly_the_whole_one(fit, orientation):
    with Image.open(ROCKET) as image:
        content = saved(image, "JPEG", quality=95, exif=turned(orientation))
    quick = read(content, Form((32, 48), fit)).pixels.astype(int)
    full = fitted(read(content, OWN).pixels, Form((32, 48), fit))
    assert np.abs(quick - full).mean() < 1
    assert np.abs(quick - full).max() < 30


def test_arrays_are_fitted_as_pictures_are():
    for path in (CAT,):
        pixels = read(path, OWN).pixels
        for form in (Form((32, 32)), Form((20, 50), "pad", "grey"), Form((9, 9), "stretch")):
            assert np.array_equal(fitted(pixels, form), read(path, form).pixels)
    assert fitted(np.array([[[9, 9, 9, 0]]], np.uint8), GREY).tolist() == [[[255]]]
    assert fitted(np.array([[[9]]], np.uint8), OWN).tolist() == [[[9, 9, 9]]]


def test_paths_bytes_and_images_give_the_same_pixels_and_the_image_stays(tmp_path):
    form = Form((24, 24))
    expected = read(CAT, form)
    with Image.open(CAT) as image:
        for source in (CAT.read_bytes(), image):
            found = read(source, form)
            assert np.array_equal(found.pixels, expected.pixels) and found[1:] == expected[1:]
        assert image.size == (expected.width, expected.height)
    sideways = Image.open(io.BytesIO(saved(Image.fromarray(CORNERS), "PNG", exif=turned(6))))
    assert read(sideways, OWN).pixels[..., 0].tolist() == UPRIGHT[6]
    with Image.open(io.BytesIO(b"P5 1 1 65535\n\x80\x00")) as image:
        assert read(image, GREY).pixels.tolist() == [[[128]]]


def test_any_number_of_threads_gives_the_same_bytes():
    sources = [CAT, ROCKET, photograph("sklearn", "datasets/images/china.jpg")] * 4
    alone = [read(source, Form((32, 32))).pixels.tobytes() for source in sources]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda source: read(source, Form((32, 32))).pixels.tobytes(), sources))
    assert together == alone


# What cannot be read


@pytest.mark.parametrize(
    "content",
    [
        png(100_000, 100_000, 8, 2, [b""]),
        b"P6 100000 100000 255\n",
        b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x08",
        b"BM" + struct.pack("<IIIIiiHHIIIIII", 54, 0, 54, 40, 100_000, 100_000, 1, 24, 0, 0, 0, 0, 0, 0),
    ],
)
def test_a_picture_of_billions_of_pixels_is_refused_by_its_header(content):
    with pytest.raises(UnreadablePicture, match="more than max_pixels allows|more pixels than max_pixels allows"):
        read(content, Form((32, 32)))


def test_max_pixels_is_the_largest_number_that_is_read():
    content = saved(Image.new("L", (10, 10)), "PNG")
    assert read(content, Form(max_pixels=100)).pixels.shape == (10, 10, 3)
    for source in (content, Image.new("L", (10, 10))):
        with pytest.raises(UnreadablePicture, match=r"^has 10x10 pixels, more than max_pixels allows \(99\)$"):
            read(source, Form(max_pixels=99))


def test_what_is_no_picture_says_so_in_a_few_words(tmp_path):
    with pytest.raises(UnreadablePicture, match="^is empty$"):
        read(b"", OWN)
    with pytest.raises(UnreadablePicture, match="^is no JPEG, PNG, BMP, GIF, WebP, TIFF or PPM, or its beginning"):
        read(b"a text", OWN)
    with pytest.raises(UnreadablePicture, match="^is not there$"):
        read(tmp_path / "absent.png", OWN)
    with pytest.raises(UnreadablePicture, match="^is no file$"):
        read(tmp_path, OWN)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM"])
def test_damaged_pictures_are_read_or_refused_in_a_few_words(kind):
    with Image.open(CAT) as image:
        content = saved(image.resize((40, 30)), kind)
    with pytest.raises(UnreadablePicture, match="^is damaged or cut off$"):
        read(content[: len(content) // 2], Form((32, 32)))
    rng = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(content[: rng.integers(1, len(content) + 1)] if rng.random() < 0.3 else content)
        for place in rng.integers(0, min(len(damaged), 600), rng.integers(1, 8)):
            damaged[place] = rng.integers(0, 256)
        try:
            picture = read(bytes(damaged), Form((32, 32), max_pixels=10**6))
        except UnreadablePicture as error:
            assert len(str(error)) < 120 and "\n" not in str(error)
        else:
            assert picture.pixels.shape == (32, 32, 3)


@pytest.mark.parametrize(
    "magic", [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"BM", b"P6 9 9 255\n"]
)
def test_random_bytes_are_refused_in_a_few_words(magic):
    rng = np.random.default_rng(0)
    for size in rng.integers(1, 400, 60):
        try:
            read(magic + rng.bytes(size), Form((8, 8), max_pixels=10**6))
        except UnreadablePicture as error:
            assert len(str(error)) < 120 and "\n" not in str(error)


NOISY = """
import sys
from pathlib import Path
from autoencoders.images.pictures import Form, UnreadablePicture, read
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        read(path, Form((32, 32)))
    except UnreadablePicture:
        pass
"""


@pytest.mark.slow
def test_nothing_is_said_on_the_terminal(tmp_path):
    rng = np.random.default_rng(1)
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "TIFF"):
        with Image.open(CAT) as image:
            # libtiff, which unpacks compressed ones, writes to the terminal itself; Pillow gives no way to stop it.
            content = saved(image.resize((40, 30)), kind, exif=turned(6))
        for number in range(40):
            damaged = bytearray(content)
            for place in rng.integers(0, min(len(damaged), 300), 4):
                damaged[place] = rng.integers(0, 256)
            (tmp_path / f"{kind}{number}").write_bytes(damaged)
    (tmp_path / "bomb").write_bytes(png(10_000, 10_000, 1, 0, [b""]))
    done = subprocess.run([sys.executable, "-c", NOISY, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout == done.stderr == ""


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        (Form((0, 32)), r"size is \[0, 32\]"),
        (Form((32,)), r"size is \[32\]"),
        (Form(fit="squeeze"), "fit is 'squeeze'; use crop, pad or stretch."),
        (Form(colour="gray"), "colour is 'gray'; use grey or rgb."),
        (Form(max_pixels=0), "max_pixels is 0"),
        (Form(max_pixels=10**9), "max_pixels is 1000000000"),
    ],
)
def test_a_form_that_is_none_is_named(form, sentence):
    with pytest.raises(ArgumentError, match=f"^{sentence}"):
        form.checked()
