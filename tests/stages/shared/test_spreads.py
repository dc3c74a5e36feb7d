import pandas as pd
import pytest
from small import small_parameters

from stages.shared.parameters import check
from stages.shared.spreads import FILE, conditions, spreads

NAME, EMBEDDING, FORM = "photos-patch-autoencoder", "photos-patch-autoencoder-spectral", "kmeans"


def changed(*keys: str, value: object):
    """Return the small parameters, checked, with another value under the keys."""
    values = small_parameters()
    block = values
    for key in keys[:-1]:
        block = block[key]
    block[keys[-1]] = value
    return check(values)


@pytest.mark.parametrize(
    "keys",
    [
        ("protocol", "together"),
        ("datasets", "photos", "crops", 20),
        ("representations", NAME, "learning_rate", 0.5),
        ("cluster", "clusterings", FORM, "ridge", 3),
        ("cluster", "kmeans", "n_init", 7),
        ("cluster", "n_clusters", 7),
    ],
    ids=lambda keys: ".".join(map(str, keys[:-1])),
)
@pytest.mark.parametrize("name", [NAME, EMBEDDING])
def test_what_decides_on_a_score_is_among_its_conditions(keys, name):
    found, others = check(small_parameters()), changed(*keys[:-1], value=keys[-1])
    assert conditions(found, name, FORM) != conditions(others, name, FORM)


@pytest.mark.parametrize(
    "keys",
    [
        ("representations", NAME, "seed", 5),
        ("autoencoders", "digits-simple", "epochs", 9),
        ("datasets", "digits", "limit", 200),
        ("cluster", "central_images", 1),
        ("cluster", "clusterings", "mixture", "ridge", 3),
        ("search", "shown", 1),
    ],
    ids=lambda keys: ".".join(map(str, keys[:-1])),
)
def test_nothing_else_is(keys):
    found, others = check(small_parameters()), changed(*keys[:-1], value=keys[-1])
    assert conditions(found, NAME, FORM) == conditions(others, NAME, FORM)


def test_only_spreads_over_seeds_that_hold_for_these_parameters_are_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parameters = check(small_parameters())
    assert spreads(parameters).empty
    here = conditions(parameters, NAME, FORM)
    rows = [
        (NAME, FORM, "seeds", 10, NAME, here, 0.02),
        (NAME, FORM, "rounding", 10, NAME, here, 0.03),
        (NAME, FORM, "layouts", 5, NAME, here, 0.01),
        (NAME, "mixture", "seeds", 10, NAME, here, 0.04),
        ("gone", FORM, "seeds", 10, "gone", here, 0.05),
        (NAME, "gone", "seeds", 10, NAME, here, 0.06),
    ]
    columns = ["representation", "clustering", "measured", "runs", "of", "conditions", "accuracy"]
    FILE.parent.mkdir(parents=True)
    pd.DataFrame(rows, columns=columns).to_csv(FILE, index=False)
    found = spreads(parameters)
    assert found[["representation", "clustering", "over", "accuracy"]].values.tolist() == [
        [NAME, FORM, f"10 seeds of {NAME}", 0.02],
        [NAME, FORM, f"5 layouts of {NAME}", 0.01],
    ]
