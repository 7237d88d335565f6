"""Moved and mirrored images are windows of the padded image, each with its own."""

import torch

from golden.cnn.augmentation import MARGIN, moved_and_mirrored


def windows(image):
    padded = torch.nn.functional.pad(image, (MARGIN,) * 4)
    _, height, width = image.shape
    for way in (padded, padded.flip(2)):
        for i in range(2 * MARGIN + 1):
            for j in range(2 * MARGIN + 1):
                yield way[:, i : i + height, j : j + width]


def test_each_image_is_some_window_of_it():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        images = torch.rand(40, 3, 5, 7)
        before = images.clone()
        found = moved_and_mirrored(images)
        again = moved_and_mirrored(images)
    assert torch.equal(images, before)
    which = [
        [k for k, window in enumerate(windows(x)) if torch.equal(window, y)] for x, y in zip(images, found, strict=True)
    ]
    assert all(len(places) == 1 for places in which)
    places = {place for (place,) in which}
    assert len(places) > 30
    half = (2 * MARGIN + 1) ** 2
    assert 8 < sum(place >= half for (place,) in which) < 32
    assert not torch.equal(found, again)
