"""The pictures of the mail in a report: small enough, however long the mail is."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from reports.document.mail_map import _MOST_BYTES, _small


@pytest.mark.parametrize("noisy", [False, True])
def test_a_picture_of_a_long_mail_is_as_small_as_the_document_needs(noisy: bool) -> None:
    size = (640, 8000)
    image = Image.effect_noise(size, 120) if noisy else Image.new("RGB", size, "white")
    content = base64.b64decode(_small(image).partition(",")[2])
    assert len(content) <= _MOST_BYTES
    assert (Image.open(io.BytesIO(content)).size == size) == (not noisy)
