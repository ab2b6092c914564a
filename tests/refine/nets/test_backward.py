import pytest
import torch
import torch.nn.functional as F

from refine.nets import backward
from refine.nets.loss import BatchLoss, smoothing_loss
from refine.nets.smoothnet import SmoothNet
from tests.refine.conftest import new_net

KINDS = ("basic", "motion_aware")


def make(kind="basic", dropout=0.0, blocks=2, dtype=torch.float64):
    torch.manual_seed(3)
    return new_net(kind, 8, 24, 6, blocks, dropout).to(dtype).train()


def batch(dtype=torch.float64, windows=13, columns=5):
    generator = torch.Generator().manual_seed(5)
    return (torch.randn(windows, columns, 8, generator=generator, dtype=dtype) for _ in range(2))


def gradients(loss, net):
    return torch.autograd.grad(loss, list(net.parameters()))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("blocks", [0, 1, 3])
@pytest.mark.parametrize("columns", [1, 16, 65, 1000])
def test_loss_and_gradients_are_those_of_autograd(kind, blocks, columns):
    net = make(kind, blocks=blocks)
    x, y = batch()
    expected = smoothing_loss(net(x), y, 1.0, 0.3)
    loss = BatchLoss(net, 1.0, 0.3, columns)(x, y)
    torch.testing.assert_close(loss, expected)
    for given, wanted in zip(gradients(loss, net), gradients(expected, net), strict=True):
        torch.testing.assert_close(given, wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_in_single_precision_they_agree_to_rounding(kind):
    net = make(kind, dtype=torch.float32)
    x, y = batch(torch.float32, windows=40)
    expected = smoothing_loss(net(x), y, 1.0, 0.3)
    loss = BatchLoss(net, 1.0, 0.3, columns=50)(x, y)
    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=0)
    for given, wanted in zip(gradients(loss, net), gradients(expected, net), strict=True):
        assert (given - wanted).norm() <= 1e-5 * wanted.norm()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.25, 0.5, 0.1])
def test_with_dropout_they_are_those_of_the_same_masks(kind, share, monkeypatch):
    """Write down which units were dropped, and let autograd do the same."""
    net, dropped = make(kind, dropout=share), []
    original = backward.Masks.drop

    def drop(masks, x):
        original(masks, x)
        dropped.append(x == 0)

    monkeypatch.setattr(backward.Masks, "drop", drop)
    x, y = batch()
    loss = BatchLoss(net, 1.0, 0.3)(x, y)
    assert len(dropped) == 4 * (1 if kind == "basic" else 3)
    assert abs(torch.cat([mask.flatten() for mask in dropped]).double().mean() - share) < 0.05
    masks = iter(dropped)

    def plain(net, x):
        x = F.leaky_relu(net.encoder[0](x), 0.1)
        for block in net.blocks:
            result = x
            for layer in (block.linear1, block.linear2):
                result = F.leaky_relu(layer(result) * ~next(masks) / (1 - share), 0.2)
            x = x + result
        return net.decoder(x)

    x = x.flatten(0, 1)
    if kind == "basic":
        refined = plain(net, x)
    else:
        parts = [plain(branch, x.diff(order)) for order, branch in enumerate(net.branches)]
        refined = net.fusion(torch.cat(parts, -1))
    expected = smoothing_loss(refined, y.flatten(0, 1), 1.0, 0.3)
    # 0.1 is no multiple of 1/256, and is met to within 1/131072.
    tolerance = {"rtol": 1e-3, "atol": 1e-5} if share == 0.1 else {}
    torch.testing.assert_close(loss, expected, **tolerance)
    for given, wanted in zip(gradients(loss, net), gradients(expected, net), strict=True):
        torch.testing.assert_close(given, wanted, **tolerance)
    assert next(masks, None) is None


@pytest.mark.parametrize("share", [0.25, 0.5, 0.1, 0.9])
def test_masks_drop_the_share_independently(share):
    torch.manual_seed(0)
    masks = backward.Masks(share, 40_001, torch.empty(0))
    draws = torch.ones(10, 40_001)
    for row in draws:
        masks.drop(row)
    kept = draws.double()
    assert set(draws.unique().tolist()) == {0.0, 1.0}
    spread = (share * (1 - share)) ** 0.5
    for part in (kept, *(kept[:, i::8] for i in range(8))):  # eight units share a random word
        assert abs(part.mean() - (1 - share)) < 4.5 * spread / part.numel() ** 0.5
    for lag in (1, 2, 4, 8):
        product = (kept[:, lag:] - kept.mean()) * (kept[:, :-lag] - kept.mean())
        assert abs(product.mean()) < 4.5 * spread**2 / product.numel() ** 0.5
    between = ((kept[1:] - kept.mean()) * (kept[:-1] - kept.mean())).mean()
    assert abs(between) < 4.5 * spread**2 / kept[1:].numel() ** 0.5
    assert masks.scale == pytest.approx(1 / (1 - share), rel=2e-4)


def test_on_average_dropout_gives_what_the_plain_form_gives():
    """Over many draws the loss and its gradients have the means that they have by the usual functions."""
    net = make(dropout=0.25)
    x, y = batch(windows=4)
    loss = BatchLoss(net, 1.0, 0.3)
    ours, plain = [], []
    for _ in range(400):
        for drawn, value in ((ours, loss(x, y)), (plain, smoothing_loss(net(x), y, 1.0, 0.3))):
            numbers = [value.detach()[None], *(g.sum()[None] for g in gradients(value, net))]
            drawn.append(torch.cat(numbers))
    ours, plain = torch.stack(ours), torch.stack(plain)
    error = ((ours.var(0) + plain.var(0)) / len(ours)).sqrt()
    assert ((ours.mean(0) - plain.mean(0)).abs() < 4.5 * error).all()
    assert (ours.std(0) / plain.std(0) - 1).abs().max() < 0.3


def test_no_dropout_in_evaluation_mode():
    net = make(dropout=0.5).eval()
    x, y = batch()
    torch.testing.assert_close(BatchLoss(net, 1.0, 0.3)(x, y), smoothing_loss(net(x), y, 1.0, 0.3))


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_values_count_for_nothing(kind):
    net = make(kind)
    x, y = batch()
    known = torch.rand(y.shape, generator=torch.Generator().manual_seed(1)) > 0.2
    spoilt = torch.where(known, y, torch.nan)
    loss = BatchLoss(net, 1.0, 0.3, columns=7)(x, spoilt, known)
    expected = smoothing_loss(net(x), y, 1.0, 0.3, known)
    torch.testing.assert_close(loss, expected)
    for given, wanted in zip(gradients(loss, net), gradients(expected, net), strict=True):
        torch.testing.assert_close(given, wanted)


def test_batches_of_any_size_take_turns():
    net = make()
    loss = BatchLoss(net, 1.0, 0.3, columns=12)
    optimizer = torch.optim.SGD(net.parameters(), 0.05)
    for windows in (1, 5, 2, 7):
        x, y = batch(windows=windows)
        expected = smoothing_loss(net(x), y, 1.0, 0.3)
        wanted = gradients(expected, net)
        optimizer.zero_grad()
        loss(x, y).backward()
        for parameter, gradient in zip(net.parameters(), wanted, strict=True):
            torch.testing.assert_close(parameter.grad, gradient)
        optimizer.step()


def test_the_same_seed_drops_the_same_units():
    net = make(dropout=0.5, dtype=torch.float32)
    assert isinstance(net, SmoothNet)
    x, y = batch(torch.float32)
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(float(BatchLoss(net, 1.0, 0.3)(x, y).detach()))
    assert results[0] == results[1] != results[2]
