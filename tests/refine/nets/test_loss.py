import pytest
import torch

from refine.nets.loss import smoothing_factors, smoothing_loss, smoothing_sum


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
