"""Operands that every FP32 test must include."""

import pwd

import numpy as np
import pytest

# Zeros, subnormals, ends of the exponent range, infinities, quiet and signalling NaNs (one with its payload in the low
# bits alone), ones, all-ones significands (P >= 2^48 in ax-fpm), and neighbours.
SPECIAL_WORDS = np.array(
    [
        *(0x00000000, 0x80000000, 0x00000001, 0x807FFFFF, 0x007FFFFF, 0x00800000, 0x80800000, 0x00FFFFFF),
        *(0x01000000, 0x7E800000, 0x7F000000, 0xFF000000, 0x7F7FFFFF, 0xFF7FFFFF, 0x7F800000, 0xFF800000),
        *(0x7FC00000, 0xFFC12345, 0x7F800001, 0xFF80FFFF, 0x3F800000, 0xBF800000, 0x3FFFFFFF, 0xBFFFFFFF),
        *(0x3F7FFFFF, 0x3F000000, 0x3E800000, 0x20000000, 0x5F000000, 0x1FFFFFFF, 0x40490FDB, 0x3F808000),
    ],
    np.uint32,
)


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a home folder: no HOME, no entry among the users, no place for caches."""

    def nobody(_: int) -> None:
        raise KeyError("uid not found")

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def special_pairs() -> tuple[np.ndarray, np.ndarray]:
    """Every pair of special words, uint32."""
    return np.repeat(SPECIAL_WORDS, SPECIAL_WORDS.size), np.tile(SPECIAL_WORDS, SPECIAL_WORDS.size)


@pytest.fixture(scope="session")
def fp32_pairs(special_pairs: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The special pairs, then seeded ones: uniform words, structured significands, both carry cases."""
    rng = np.random.default_rng(20210419)
    words = rng.integers(0, 1 << 32, (2, 1500), dtype=np.uint32)
    digits = rng.choice(np.array([0, 1, 7, 8, 14, 15], np.uint32), (2, 1500, 6))
    structured = (digits << (4 * np.arange(6, dtype=np.uint32))).sum(axis=2, dtype=np.uint32) & np.uint32(0x7FFFFF)
    exponents = rng.integers(100, 150, (2, 1500), dtype=np.uint32) << np.uint32(23)
    a, b = (
        np.concatenate([special, uniform, s | e])
        for special, uniform, s, e in zip(special_pairs, words, structured, exponents, strict=True)
    )
    return a, b
