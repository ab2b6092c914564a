import pytest
import torch

from refine.nets.loss import BatchLoss, even_pieces, smoothing_factors, smoothing_loss, smoothing_sum
from refine.nets.registry import NETS, NetKind
from tests.refine.conftest import new_net


def test_masked_loss_by_hand():
    truth = torch.tensor([[0.0, 0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0, 1.0]])
    refined = truth + torch.tensor([[1.0, -2.0, 9.0, 0.0, 4.0], [0.0, 3.0, 0.0, 0.0, 0.0]])
    known = torch.tensor([[1, 1, 0, 1, 1], [1, 1, 1, 1, 0]]).bool()
    truth[~known] = torch.nan
    # Known errors: 1 2 0 4 | 0 3 0 0. Of the triples only the second row's first two are known: 0 3 0 and 3 0 0.
    assert smoothing_loss(refined, truth, 1.0, 0.0, known) == pytest.approx(10 / 8)
    assert smoothing_loss(refined, truth, 0.0, 1.0, known) == pytest.approx((6 + 3) / 2)
    assert smoothing_loss(refined, truth, 2.0, 0.5, known) == pytest.approx(20 / 8 + 9 / 4)


def test_all_known_is_no_mask():
    refined, truth = torch.randn(2, 4, 3, 9)
    known = torch.ones(4, 3, 9, dtype=torch.bool)
    masked = smoothing_loss(refined, truth, 1.0, 0.4, known)
    torch.testing.assert_close(masked, smoothing_loss(refined, truth, 1.0, 0.4))


def test_unknown_values_get_no_gradient_and_do_not_poison():
    refined = torch.randn(3, 8, requires_grad=True)
    known = torch.ones(3, 8, dtype=torch.bool)
    known[1] = False
    known[2, 3] = False
    truth = torch.where(known, torch.randn(3, 8), torch.nan)
    smoothing_loss(refined, truth, 1.0, 1.0, known).backward()
    assert torch.isfinite(refined.grad).all()
    assert (refined.grad[~known] == 0).all()
    assert (refined.grad[0] != 0).all()


def test_nothing_known_is_no_loss():
    known = torch.zeros(2, 5, dtype=torch.bool)
    assert smoothing_loss(torch.randn(2, 5), torch.full((2, 5), torch.nan), 1.0, 1.0, known) == 0


@pytest.mark.parametrize("masked", [False, True])
def test_sums_of_parts_are_the_loss_of_the_whole(masked):
    refined, truth = torch.randn(2, 10, 3, 7)
    known = torch.rand(10, 3, 7) > 0.3 if masked else None
    factors = smoothing_factors(truth, 1.0, 0.1, known)
    parts = [slice(0, 4), slice(4, 5), slice(5, 10)]
    total = sum(smoothing_sum(refined[p], truth[p], factors, None if known is None else known[p]) for p in parts)
    torch.testing.assert_close(total, smoothing_loss(refined, truth, 1.0, 0.1, known))


@pytest.fixture(autouse=True)
def plain():
    """Add a kind whose gradients are autograd's: a basic net by another name."""
    NETS.add("plain", NetKind(NETS["basic"].build))
    yield
    NETS.remove("plain")


KINDS = ("plain", "basic")


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


def test_pieces_are_even():
    for count, most in ((1, 5), (5, 5), (6, 5), (11, 5), (100, 7)):
        sizes = [rows.stop - rows.start for rows in even_pieces(count, most)]
        assert sum(sizes) == count
        assert len(sizes) == -(-count // most)
        assert max(sizes) - min(sizes) <= 1
    assert list(even_pieces(0, 5)) == []


def test_the_same_seed_drops_the_same_units():
    net = make(dropout=0.5, dtype=torch.float32)
    x, y = batch(torch.float32)
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(float(BatchLoss(net, 1.0, 0.3)(x, y).detach()))
    assert results[0] == results[1] != results[2]
