import pytest

from autoencoders.core.addresses import mistake, protocol


@pytest.mark.parametrize(
    "address",
    [
        "s3://bucket/pictures",
        "S3://bucket",
        "abfs://container@account.dfs.core.windows.net/pictures",
        "sftp://user@host:22/pictures",
        "http://127.0.0.1:8000/é [1]/",
        "file:///pictures",
        "memory://pictures",
    ],
)
def test_an_address_names_a_protocol_and_a_folder(address):
    assert mistake(address) is None
    assert protocol(address) == address.partition(":")[0].lower()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("pictures", "begins with its protocol"),
        ("C:/pictures", "begins with its protocol"),
        ("ftp://user:secret@host/pictures", "must not hold a password"),
        ("s3://key:sec/ret@bucket/pictures", "must not hold a password"),
        ("s3://", "has nothing after its protocol"),
        ("http://host/pictures?token=secret", "has '::', '[?]', '#'"),
        ("zip://x::s3://bucket/secret.zip", "has '::', '[?]', '#'"),
        ("s3://bucket/a\nb", "a character that cannot be printed"),
        ("file://pictures", "must be absolute"),
    ],
)
def test_what_is_wrong_with_an_address_is_said_without_repeating_it(address, said):
    with pytest.raises(ValueError, match=said):
        raise ValueError(mistake(address))
    assert "secret" not in (mistake(address) or "")
