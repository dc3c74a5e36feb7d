import re

import pytest
from small import ROOT

from autoencoders.core.errors import InputError
from stages.shared import parameters
from stages.shared.settings.optimizers import OPTIMIZERS

STRIDED = "autoencoders.digits-strided.optimizer_options"


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_options_are_those_of_keras(name):
    from autoencoders.networks.runtime import keras

    config = keras.optimizers.get(name).get_config()
    # What has no place in a file of numbers, or in these networks.
    others = {"name", "learning_rate", "exclude_layers", "nonlinearity"}
    assert OPTIMIZERS[name].model_fields.keys() == config.keys() - others


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"beta_2": "0.9x"}, f"{STRIDED}.beta_2 is '0.9x', but the input should be a valid number."),
        ({"beta_2": 1}, f"{STRIDED}.beta_2 is 1, but the input should be less than 1."),
        ({"epsilon": float("inf")}, f"{STRIDED}.epsilon is .inf, but the input should be a finite number."),
        ({"amsgrad": 1}, f"{STRIDED}.amsgrad is 1, but the input should be true or false."),
        ({"gradient_accumulation_steps": 1}, f"{STRIDED}.gradient_accumulation_steps is 1, but the input should be "),
        (
            {"learning_rate": 0.1},
            f"{STRIDED}: learning_rate is none of these options but a parameter beside them; move it there.",
        ),
        (
            {"momentum": 0.9},
            f"{STRIDED}.momentum is no option of that optimizer; remove it, or give other optimizer_options there.",
        ),
        ({"clipnorm": 1, "clipvalue": 2}, f"{STRIDED}: clipnorm and clipvalue stand side by side; keep one."),
    ],
)
def test_a_wrong_option_is_one_sentence(options, sentence):
    values = parameters.load(ROOT / "params.yaml")
    values["autoencoders"]["digits-strided"]["optimizer_options"] = options
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}"):
        parameters.check(values)


def test_a_wrong_option_of_defaults_is_named_there():
    values = parameters.load(ROOT / "params.yaml")
    values["defaults"]["strided"]["optimizer_options"] = {"beta_2": 2}
    with pytest.raises(InputError, match=r"^defaults\.strided\.optimizer_options\.beta_2 is 2, "):
        parameters.check(values)


def test_options_stay_as_they_were_given():
    values = parameters.load(ROOT / "params.yaml")
    given = {"beta_1": 0, "weight_decay": None, "use_ema": True}
    values["autoencoders"]["digits-strided"]["optimizer_options"] = given
    assert parameters.check(values).autoencoders["digits-strided"].optimizer_options == given
