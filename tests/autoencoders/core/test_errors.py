import pytest

from autoencoders.core.errors import ArgumentError, InputError, arguments_of


def test_the_place_stands_before_the_argument():
    @arguments_of("cluster")
    def refuse():
        raise ArgumentError("n_clusters is 11; lower it.")

    for _ in range(2):
        with pytest.raises(InputError, match=r"^cluster\.n_clusters is 11; lower it\.$") as raised:
            refuse()
        assert type(raised.value) is InputError


def test_other_errors_stay_as_they_are():
    with pytest.raises(InputError, match="^a file is missing$"), arguments_of("cluster"):
        raise InputError("a file is missing")
