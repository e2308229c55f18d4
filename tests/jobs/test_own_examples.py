"""What users measure of their own targets and tickets, on their own examples: ``slth.evaluate``, ``slth.report``."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import slth
from slth.errors import ArgumentError
from slth.training import Examples


def module():
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(27, 4))


@pytest.fixture(scope="module")
def made():
    return slth.construct(module().eval(), method=slth.PerWeight(candidates=10), input_shape=(1, 5, 5))


@pytest.fixture(scope="module")
def examples():
    rng = np.random.default_rng(5)
    return rng.random((23, 1, 5, 5)), rng.integers(0, 4, 23)


def test_arrays_examples_and_loaders_give_what_a_plain_loop_gives(made, examples):
    x, y = examples
    target = module()
    found = made.ticket.forward(x)
    wanted = target.double().eval()(torch.from_numpy(x)).detach().numpy()
    tensors = torch.from_numpy(x), torch.from_numpy(y)
    ways = [
        (x, y),
        tensors,
        Examples(*tensors),
        DataLoader(TensorDataset(*tensors), batch_size=5),
        [(x[:9], y[:9]), (x[9:], y[9:])],
    ]
    for way in ways:
        said = slth.evaluate(made.ticket, way, target=slth.describe(module().eval(), input_shape=(1, 5, 5)))
        assert said.examples == 23
        assert said.form == "folded, float64"
        assert said.accuracy == np.mean(found.argmax(1) == y)
        assert said.target_accuracy == np.mean(wanted.argmax(1) == y)
        assert said.agreement == np.mean(found.argmax(1) == wanted.argmax(1))
        assert said.sampled_error == pytest.approx(np.abs(found - wanted).max(), rel=1e-6)


def test_without_labels_or_target_what_cannot_be_said_is_left_out(made, examples):
    x, y = examples
    assert slth.evaluate(made.ticket, (x, None)).to_dict() == {"examples": 23, "form": "folded, float64"}
    alone = slth.evaluate(made.ticket, (x, y))
    assert set(alone.to_dict()) == {"examples", "form", "accuracy"}
    beside = slth.evaluate(made.ticket, (x, None), target=module())
    assert set(beside.to_dict()) == {"examples", "form", "agreement", "sampled_error"}


def test_a_module_is_measured_without_dropout_and_stays_in_its_mode(examples):
    own = module()
    own[1].eval()
    said = slth.evaluate(own, examples)
    assert said.form == "the module, in its own dtype"
    assert [part.training for part in own] == [True, False, True, True, True]
    assert said.accuracy == slth.evaluate(module().eval(), examples).accuracy


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (3, r"data.*gives no batches"),
        ((np.zeros((2, 1, 5, 5)),), r"is no pair of inputs and labels"),
        ([(np.zeros((2, 1, 5, 5)),)], r"batch 0.*is no pair"),
        ([], r"one example at least"),
        ((np.zeros((2, 5, 5)), [0, 1]), r"must have shape \[batch, 1, 5, 5\]"),
        ((np.full((1, 1, 5, 5), np.nan), [0]), r"must be finite"),
        ((np.zeros((2, 1, 5, 5)), [0]), r"labels.*must be 2 whole numbers from 0 to 3"),
        ((np.zeros((2, 1, 5, 5)), [0, 4]), r"labels.*must be 2 whole numbers from 0 to 3"),
        ((np.zeros((2, 1, 5, 5)), [0.0, 1.0]), r"labels.*must be 2 whole numbers"),
        ([(np.zeros((1, 1, 5, 5)), [0]), (np.zeros((1, 1, 5, 5)), None)], r"batch 1.*labels as the first one has"),
    ],
)
def test_examples_that_do_not_fit_are_refused_by_name(made, data, message):
    with pytest.raises(ArgumentError, match=message):
        slth.evaluate(made.ticket, data)


def test_networks_that_do_not_fit_are_refused_by_name(made, examples):
    with pytest.raises(ArgumentError, match=r"target.*outputs of shape"):
        slth.evaluate(made.ticket, examples, target=nn.Sequential(nn.Flatten(), nn.Linear(25, 2)).double())
    with pytest.raises(ArgumentError, match="network='int' is no Ticket"):
        slth.evaluate(3, examples)


class Gives(nn.Module):
    """Gives what a function makes of its inputs."""

    def __init__(self, made):
        super().__init__()
        self.made = made

    def forward(self, x):
        return self.made(x)


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (lambda x: x / 0.0 * 0.0, "network='Gives' gives NaN"),
        (lambda x: x[:, :0], "network='Gives' gives no outputs"),
        (lambda x: x.sum(), "network='Gives' must give one tensor, with a row for each of 2 examples"),
        (lambda x: x[:1], "network='Gives' must give one tensor"),
        (lambda x: (x, x), "network='Gives' must give one tensor"),
        (lambda x: {"scores": x}, "network='Gives' must give one tensor"),
    ],
)
def test_outputs_that_have_no_largest_one_are_refused(outputs, message):
    x = torch.tensor([[0.0, 1.0], [2.0, 0.5]])
    with pytest.raises(ArgumentError, match=message):
        slth.evaluate(Gives(outputs), (x, [1, 0]))
    with pytest.raises(ArgumentError, match=message.replace("network", "target")):
        slth.evaluate(nn.Flatten(), (x, [1, 0]), target=Gives(outputs))


def test_infinities_and_numbers_that_do_not_subtract():
    x = torch.tensor([[0.0, 1.0], [2.0, 0.5]])
    masked = Gives(lambda x: x.masked_fill(x < 0.7, -torch.inf))
    said = slth.evaluate(masked, (x, [1, 0]), target=masked)
    assert (said.accuracy, said.agreement, said.sampled_error) == (1.0, 1.0, 0.0)
    assert slth.evaluate(masked, (x, None), target=nn.Flatten()).sampled_error == math.inf
    small, large = (Gives(lambda x, more=more: (x + more).to(torch.uint8)) for more in (0.0, 3.0))
    assert slth.evaluate(small, (x, None), target=large).sampled_error == 3.0  # and not 253
    bools = Gives(lambda x: x > 0.7)
    assert slth.evaluate(bools, (x, [1, 0]), target=bools).accuracy == 1.0


def test_tensors_of_a_training_loop_are_examples(made, examples):
    x, y = torch.from_numpy(examples[0]), torch.from_numpy(examples[1])
    wanted = slth.evaluate(made.ticket, examples)
    assert slth.evaluate(made.ticket, (x.clone().requires_grad_(), y)) == wanted
    halved = slth.evaluate(made.ticket, (x.bfloat16(), y))
    assert halved == slth.evaluate(made.ticket, (x.bfloat16().double(), y))


@pytest.mark.parametrize(
    "labels", [[[0], [1, 2]], torch.zeros(2).bfloat16(), torch.zeros(2, device="meta"), [True] * 2]
)
def test_labels_of_no_kind_are_refused(labels):
    with pytest.raises(ArgumentError, match="labels="):
        slth.evaluate(nn.Flatten(), (torch.zeros(2, 3), labels))


def test_a_report_of_ones_own_target_says_what_evaluate_says(made, examples, tmp_path):
    tensors = torch.from_numpy(examples[0]).requires_grad_(), torch.from_numpy(examples[1])
    path = slth.report(module().eval(), made, tensors, tmp_path / "mine.html", title="Mine <b>")
    text = path.read_text(encoding="utf-8")
    said = slth.evaluate(made.ticket, examples, target=module())
    assert "Mine &lt;b&gt;" in text
    assert f"{100 * said.accuracy:.2f} %" in text
    assert f"{made.certificate.error:.3g}" in text
    assert text.count("<svg") >= 5
    assert [one.name for one in tmp_path.iterdir()] == ["mine.html"]


def test_a_report_of_another_target_is_refused(made, examples, tmp_path):
    other = nn.Sequential(nn.Flatten(), nn.Linear(25, 4))
    with pytest.raises(ArgumentError, match=r"made=.*not those of the target"):
        slth.report(other, made, examples, tmp_path / "r.html")
    with pytest.raises(ArgumentError, match=r"data=.*no pair"):
        slth.report(module().eval(), made, 3, tmp_path / "r.html")
    with pytest.raises(ArgumentError, match="labels="):
        slth.report(module().eval(), made, (examples[0], examples[1][:3]), tmp_path / "r.html")
    wider = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(27, 5))
    with pytest.raises(ArgumentError, match=r"made=.*not those of the target, or of other shapes"):
        slth.report(wider.eval(), made, examples, tmp_path / "r.html")
    with pytest.raises(ArgumentError, match="made='Ticket' is no Construction"):
        slth.report(module().eval(), made.ticket, examples, tmp_path / "r.html")
    with pytest.raises(ArgumentError, match=r"data=\[0, 1, 5, 5\] must hold one example"):
        slth.report(module().eval(), made, (examples[0][:0], []), tmp_path / "r.html")
    with pytest.raises(ArgumentError, match="path=3 is no path"):
        slth.report(module().eval(), made, examples, 3)
    with pytest.raises(ArgumentError, match=r"path=.*is a folder"):
        slth.report(module().eval(), made, examples, tmp_path)
    assert not list(tmp_path.iterdir())


def test_counters_see_the_numbers_of_a_ticket_none_of_which_is_trained(made):
    small, masked = slth.to_torch(made.ticket), slth.to_torch(made.ticket, form="masked")
    counts = [sum(weight.numel() for weight in one.parameters()) for one in (small, masked)]
    assert made.ticket.mask.kept <= counts[0] < counts[1]
    assert not any(weight.requires_grad for weight in small.parameters())
    target = slth.to_torch(slth.describe(module().eval(), input_shape=(1, 5, 5)))
    assert sum(weight.numel() for weight in target.parameters()) == sum(w.numel() for w in module().parameters())
