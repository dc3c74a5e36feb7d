import pandas as pd

from stages.shared import naming


def test_an_image_is_named_by_its_class_or_its_file_and_by_its_number():
    table = pd.DataFrame({"split": "test", "row": [0, 1], "image": [7, 9]})
    assert naming.lines(naming.captions(table, [])) == ["image 7", "image 9"]
    table["file"] = ["one.png", f"{'a-folder/' * 9}two.png"]
    assert naming.lines(naming.captions(table, [])) == ["one.png\nimage 7", "…folder/a-folder/two.png\nimage 9"]
    table["label"] = [1, 0]
    named = [("dog", "image 7"), ("c" * 23 + "…", "image 9")]
    assert naming.captions(table, ["c" * 30, "dog"]) == named


def test_a_shortened_name_ends_as_the_whole_one_does():
    assert naming.shortened("a" * 24) == "a" * 24
    assert naming.shortened("b" * 24 + "c") == "…" + "b" * 22 + "c"
