"""Every sample of the docs is run as it stands, and prints what its page shows."""

from pathlib import Path

import pytest
from pytest_django import Settings

from hub.docs.contents import WRITTEN
from tests.cast import new_key, new_realm
from tests.docs.samples import RUN, Sample, printed, samples_of
from tests.docs.shapes import same_shape, same_text, values_in


@pytest.mark.parametrize("slug", WRITTEN)
def test_the_samples_of_a_page_work(
    slug: str, server: str, transactional_db: None, settings: Settings, tmp_path: Path
) -> None:
    """Each page has a realm and a key of its own, and can be gone through again."""
    settings.HUB_ORIGIN = server  # tokens are for the address that the samples call
    _, key = new_key(new_realm("reader"))
    samples = samples_of(WRITTEN[slug], origin=server, key=key)
    for language in (*RUN, *RUN):
        if here := [sample for sample in samples if sample.language == language]:
            said = printed(here, origin=server, key=key, folder=tmp_path)
            assert len(said) == len(here)
            for sample, output in zip(here, said, strict=True):
                assert _as_shown(sample, output), f"shown:\n{sample.output}\nprinted:\n{output}"


def _as_shown(sample: Sample, output: str) -> bool:
    if not sample.output_language:
        return True
    if sample.output_language == "json":
        return same_shape(values_in(sample.output), values_in(output))
    return same_text(sample.output, output)


def test_most_pages_have_samples() -> None:
    """The check above has something to do: at least one sample of each language, and a dozen outputs."""
    samples = [sample for page in WRITTEN.values() for sample in samples_of(page, origin="", key="")]

    assert {sample.language for sample in samples} == set(RUN)
    assert sum(bool(sample.output) for sample in samples) >= 12
