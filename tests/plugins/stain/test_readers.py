"""Slides and pictures of many kinds are read alike; bad ones are refused in words."""

from __future__ import annotations

import pickle
import struct
import threading
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from partwise.api import FileProblem, Pyramid
from partwise_stain.readers import load_picture, load_slide, probe_picture, probe_slide
from partwise_stain.slide import SlidePyramid

RGB = np.random.default_rng(0).integers(0, 256, (300, 410, 3), dtype=np.uint8)


def whole(pyramid: Pyramid | None) -> np.ndarray:
    assert pyramid is not None
    level = pyramid.levels[0]
    return pyramid.read(0, 0, 0, level.width, level.height)


def halved(image: np.ndarray) -> np.ndarray:
    h, w = image.shape[0] // 2, image.shape[1] // 2
    blocks = image[: 2 * h, : 2 * w].reshape(h, 2, w, 2, 3).astype(int)
    return ((blocks.sum(axis=(1, 3)) + 2) // 4).astype(np.uint8)


def save_ome(path: Path) -> None:
    with tifffile.TiffWriter(path, ome=True) as writer:
        options: dict[str, Any] = {"tile": (128, 128), "photometric": "rgb", "compression": "zlib"}
        metadata = {
            "PhysicalSizeX": 0.5,
            "PhysicalSizeXUnit": "µm",
            "PhysicalSizeY": 0.25,
            "PhysicalSizeYUnit": "µm",
        }
        writer.write(RGB, subifds=1, metadata=metadata, **options)
        writer.write(RGB[::2, ::2], subfiletype=1, **options)


LOSSLESS: dict[str, Callable[[Path], object]] = {
    "png": lambda path: Image.fromarray(RGB).save(path, "PNG"),
    "bmp": lambda path: Image.fromarray(RGB).save(path, "BMP"),
    "strip.tif": lambda path: tifffile.imwrite(path, RGB, rowsperstrip=16),
    "tiled.tif": lambda path: tifffile.imwrite(path, RGB, tile=(64, 96), compression="lzw"),
    "16.tif": lambda path: tifffile.imwrite(
        path, RGB.astype(np.uint16) * 257, photometric="rgb", tile=(64, 64)
    ),
    "ome.tif": save_ome,
}


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_pictures_come_back(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"Präparat 1 ψ.{kind}"
    LOSSLESS[kind](path)
    is_tiff = kind.endswith("tif")
    assert (probe_slide if is_tiff else probe_picture)(path) > 0.5
    dataset = (load_slide if is_tiff else load_picture)(path)
    assert np.array_equal(whole(dataset.pyramid), RGB)
    assert [axis.size for axis in dataset.axes] == [300, 410]
    assert dataset.source is not None
    assert dataset.source.sha256


def test_a_jpeg_is_near(tmp_path: Path) -> None:
    smooth = np.tile(np.linspace(60, 240, 256).astype(np.uint8)[None, :, None], (256, 1, 3))
    Image.fromarray(smooth).save(tmp_path / "x.jpg", quality=95)
    assert np.abs(whole(load_picture(tmp_path / "x.jpg").pyramid).astype(int) - smooth).max() < 12


def test_size_of_pixels_is_read_where_it_is_known(tmp_path: Path) -> None:
    save_ome(tmp_path / "x.ome.tif")
    known = load_slide(tmp_path / "x.ome.tif")
    assert known.axis("x").unit == "µm"
    assert known.axis("x").step == pytest.approx(0.5)
    assert known.axis("y").step == pytest.approx(0.25)
    assert known.pyramid is not None
    assert known.pyramid.levels[1].downsample == pytest.approx(2)
    tifffile.imwrite(tmp_path / "y.tif", RGB)
    assert load_slide(tmp_path / "y.tif").axis("x").unit == "px"


def test_regions_agree_with_the_whole_and_are_white_outside(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "x.tif", RGB, tile=(64, 64))
    pyramid = SlidePyramid(tmp_path / "x.tif")
    assert np.array_equal(pyramid.read(0, 50, 70, 99, 33), RGB[70:103, 50:149])
    edge = pyramid.read(0, -10, 290, 40, 30)
    assert np.array_equal(edge[:10, 10:], RGB[290:, :30])
    assert (edge[10:] == 255).all()
    assert (edge[:, :10] == 255).all()


def test_levels_that_a_file_lacks_are_means(tmp_path: Path) -> None:
    big = np.random.default_rng(1).integers(0, 256, (1100, 1301, 3), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "x.tif", big, tile=(256, 256))
    pyramid = SlidePyramid(tmp_path / "x.tif")
    sizes = [(level.width, level.height) for level in pyramid.levels]
    assert sizes == [(1301, 1100), (650, 550), (325, 275)]
    assert np.array_equal(pyramid.read(1, 0, 0, 650, 550), halved(big))
    assert np.array_equal(pyramid.read(2, 20, 30, 50, 60), halved(halved(big))[30:90, 20:70])


def test_a_pyramid_travels_and_is_read_from_threads(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "x.tif", RGB, tile=(64, 64), compression="zlib")
    pyramid = pickle.loads(pickle.dumps(SlidePyramid(tmp_path / "x.tif")))
    wrong: list[int] = []

    def work(k: int) -> None:
        wrong.extend(
            x
            for x in range(0, 300, 37)
            if not np.array_equal(pyramid.read(0, x, k, 64, 64), RGB[k : k + 64, x : x + 64])
        )

    threads = [threading.Thread(target=work, args=(17 * k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_what_shines_through_is_white(tmp_path: Path) -> None:
    rgba = np.dstack([RGB, np.zeros(RGB.shape[:2], np.uint8)])
    rgba[:100, :, 3] = 255
    Image.fromarray(rgba).save(tmp_path / "x.png")
    image = whole(load_picture(tmp_path / "x.png").pyramid)
    assert np.array_equal(image[:100], RGB[:100])
    assert (image[100:] == 255).all()


def test_palettes_and_printing_colours_are_converted(tmp_path: Path) -> None:
    flat = Image.fromarray(RGB).quantize(16)
    flat.save(tmp_path / "p.png")
    image = whole(load_picture(tmp_path / "p.png").pyramid)
    assert np.array_equal(image, np.asarray(flat.convert("RGB")))
    Image.new("CMYK", (32, 32), (0, 255, 0, 0)).save(tmp_path / "c.jpg")
    assert whole(load_picture(tmp_path / "c.jpg").pyramid).shape == (32, 32, 3)


def _chunk(kind: bytes, data: bytes) -> bytes:
    crc = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def bad_file(folder: Path, kind: str) -> Path:
    path = folder / kind
    if kind == "empty.png":
        path.write_bytes(b"")
    elif kind == "text.svs":
        path.write_text("patient,age\n1,2\n")
    elif kind == "cut.png":
        Image.fromarray(RGB).save(path)
        path.write_bytes(path.read_bytes()[:9000])
    elif kind == "cut.tif":
        tifffile.imwrite(path, RGB, rowsperstrip=16)
        path.write_bytes(path.read_bytes()[:-50_000])
    elif kind == "bomb.png":
        header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
        start = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"\0" * 100))
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + start + _chunk(b"IEND", b""))
    elif kind == "grey.png":
        Image.fromarray(RGB[..., 0]).save(path)
    elif kind == "grey16.tif":
        tifffile.imwrite(path, RGB[..., 0].astype(np.uint16))
    elif kind == "float.tif":
        tifffile.imwrite(path, RGB.astype(np.float32), photometric="rgb")
    elif kind == "moving.png":
        frames = [Image.fromarray(RGB), Image.fromarray(RGB[::-1].copy())]
        frames[0].save(path, save_all=True, append_images=frames[1:])
    elif kind == "directory.tif":
        path.write_bytes(b"II*\0" + struct.pack("<I", 1_000_000))
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("empty.png", "is empty"),
        ("text.svs", "not an image"),
        ("cut.png", "damaged"),
        ("cut.tif", "ends before its last pixel"),
        ("bomb.png", "tiled TIFF"),
        ("grey.png", "grey"),
        ("grey16.tif", "one channel"),
        ("float.tif", "float32"),
        ("moving.png", "animation"),
        ("directory.tif", "damaged"),
        ("absent.svs", "no such file"),
    ],
)
def test_bad_files_are_refused_by_name_with_a_way_out(
    kind: str, words: str, tmp_path: Path
) -> None:
    path = bad_file(tmp_path, kind)
    load = load_picture if path.suffix == ".png" else load_slide
    tracemalloc.start()
    try:
        with pytest.raises(FileProblem, match=words) as caught:
            load(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.path == path
    assert caught.value.fix
    assert peak < 50e6


@pytest.mark.parametrize("kind", ["empty.png", "text.svs", "absent.svs", "directory.tif"])
def test_probes_never_raise(kind: str, tmp_path: Path) -> None:
    path = bad_file(tmp_path, kind)
    assert 0 <= probe_slide(path) <= 1
    assert 0 <= probe_picture(path) < 0.3


def test_a_wrong_suffix_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "really-a-png.svs"
    Image.fromarray(RGB).save(path, "PNG")
    assert np.array_equal(whole(load_slide(path).pyramid), RGB)


def test_real_slides_open_with_their_facts(real: Path) -> None:
    slide = load_slide(real / "cmu-1-small-region.svs")
    assert slide.axis("x").step == pytest.approx(0.499)
    assert slide.meta["vendor"] == "aperio"
    frozen = load_slide(real / "tcga-cr-7395-01a-01-ts1.svs")
    assert frozen.axis("x").unit == "px"
    assert frozen.meta["icc"] is True
    assert frozen.pyramid is not None
    assert frozen.pyramid.levels[1].downsample == pytest.approx(2, rel=1e-3)
    assert frozen.pyramid.read(2, 100, 100, 64, 64).std() > 0
