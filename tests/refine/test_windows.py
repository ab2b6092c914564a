import numpy as np
import pytest
import torch

from refine.normalise import window_offsets
from refine.windows import COLUMNS, merging_weights, mirrored, moving_average, pool_windows, refine_windows
from tests.refine.conftest import make_net, new_net


def offsets(x):
    return window_offsets(x, "channel", (), 3)


def naive(net, x, stride):
    """Each window by itself, added up in a double loop."""
    length, window = x.shape[1], net.window
    starts = list(range(0, length - window + 1, stride))
    if starts[-1] != length - window:
        starts.append(length - window)
    total, count = torch.zeros_like(x), torch.zeros(length)
    for start in starts:
        piece = x[:, start : start + window]
        mean = piece.mean(1, keepdim=True)
        with torch.no_grad():
            refined = net(piece - mean) + mean
        for frame in range(window):
            total[:, start + frame] += refined[:, frame]
            count[start + frame] += 1
    assert count.min() >= 1
    return total / count


@pytest.mark.parametrize("stride", [1, 2, 3, 5, 7, 8])
def test_equals_a_double_loop(stride):
    net = make_net()
    for length in (8, 9, 10, 15, 16, 17, 40, 61):
        x = torch.randn(6, length)
        [refined] = refine_windows(net, [x], stride=stride, offsets=offsets)
        torch.testing.assert_close(refined, naive(net, x, stride), atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("columns", [1, 5_000, 20_000, 100_000])
def test_neither_the_piece_size_nor_the_company_matters(columns, monkeypatch):
    """Sequences whose windows take several batches, and that are cut, are refined as alone, to the bit."""
    monkeypatch.setitem(COLUMNS, "cpu", columns)
    net = make_net()
    shapes = ((6, 31), (9, 8), (75, 700), (6, 5_000), (3, 9), (5_100, 12))
    sequences = [torch.randn(channels, length) for channels, length in shapes]
    together = refine_windows(net, sequences, stride=3, offsets=offsets)
    for x, refined in zip(sequences, together, strict=True):
        torch.testing.assert_close(refined, naive(net, x, 3), atol=2e-6, rtol=1e-5)
        assert torch.equal(refined, refine_windows(net, [x], stride=3, offsets=offsets)[0])


def identity_net():
    """Return a network that returns its input."""
    net = make_net(blocks=0)
    with torch.no_grad():
        for tensor in net.parameters():
            tensor.zero_()
        # Both signs of each frame pass the leaky unit; their weighted difference is the frame.
        net.encoder[0].weight[:8] = torch.eye(8)
        net.encoder[0].weight[8:] = -torch.eye(8)
        net.decoder.weight[:, :8] = torch.eye(8) / 1.1
        net.decoder.weight[:, 8:] = -torch.eye(8) / 1.1
    return net


@pytest.mark.parametrize(("stride", "left"), [(2, 1e-5), (3, 0.5), (4, 0.7)])
def test_merged_smoothly_places_in_a_window_leave_no_trace(stride, left):
    """A network that adds an error of its own at each place: with the mean it shows as a pattern, merged not at all.

    At strides of more than a quarter of the window, less than with the mean.
    """
    net = identity_net()
    with torch.no_grad():
        net.decoder.bias.copy_(torch.randn(8))
    x = torch.zeros(3, 8 + 40 * stride)
    inner = slice(12, -12)
    results = {m: refine_windows(net, [x], stride=stride, offsets=offsets, merge=m)[0] for m in ("mean", "smooth")}
    shown = {merge: result[:, inner].diff(2).abs().mean() for merge, result in results.items()}
    assert shown["mean"] > 0.05
    assert shown["smooth"] < left * shown["mean"]


@pytest.mark.parametrize("stride", [1, 2, 3, 5])
def test_merged_smoothly_straight_motion_stays(stride):
    x = torch.arange(30.0) * torch.tensor([[0.5], [-2.0], [0.0]]) + 3
    [refined] = refine_windows(identity_net(), [x], stride=stride, offsets=offsets, merge="smooth")
    torch.testing.assert_close(refined, x, atol=1e-4, rtol=1e-5)


def test_merged_smoothly_equals_a_weighted_double_loop():
    net, x, stride = make_net(), torch.randn(6, 41), 4
    weights = merging_weights(8, "smooth")
    assert weights == pytest.approx(weights[::-1])
    assert 0 < weights[0] < weights[3]
    total, count = torch.zeros_like(x), torch.zeros(41)
    for start in [*range(0, 34, stride), 33]:
        piece = x[:, start : start + 8]
        mean = piece.mean(1, keepdim=True)
        with torch.no_grad():
            refined = net(piece - mean) + mean
        for frame in range(8):
            total[:, start + frame] += weights[frame] * refined[:, frame]
            count[start + frame] += weights[frame]
    merged = (total / count).numpy().astype(float)
    longer = np.pad(merged, ((0, 0), (1, 1)), mode="reflect", reflect_type="odd")
    kernel = np.array([0.5, 1, 0.5]) / 2  # a quarter of a window, which is less than the stride
    expected = np.stack([np.convolve(row, kernel, "valid") for row in longer])
    [refined] = refine_windows(net, [x], stride=stride, offsets=offsets, merge="smooth")
    np.testing.assert_allclose(refined, expected, atol=1e-5)


def test_moving_average_of_what_is_short():
    lengths = (1, 2, 3, 20, 1)
    x = torch.randn(sum(lengths), 2)
    for over in (1, 2, 3, 8, 9):
        average = moving_average(x, lengths, over)
        for given, found in zip(x.split(lengths), average.split(lengths), strict=True):
            reach = min(over // 2, len(given) - 1)
            longer = np.pad(given.double(), ((reach, reach), (0, 0)), mode="reflect", reflect_type="odd")
            kernel = np.ones(2 * reach + 1)
            if over == 2 * reach:
                kernel[[0, -1]] = 0.5
            expected = np.stack([np.convolve(row, kernel / kernel.sum(), "valid") for row in longer.T], 1)
            np.testing.assert_allclose(found, expected, atol=1e-6)
            torch.testing.assert_close(found[[0, -1]], given[[0, -1]])


def test_long_sequences_are_averaged_piece_by_piece(monkeypatch):
    lengths = (30, 45)
    x = torch.randn(75, 3)
    whole = moving_average(x, lengths, 8)
    monkeypatch.setattr("refine.windows.AVERAGED", 7)
    torch.testing.assert_close(moving_average(x, lengths, 8), whole)


def test_a_network_that_returns_its_input_returns_the_sequence():
    net = identity_net()
    x = torch.randn(4, 29)
    [refined] = refine_windows(net, [x], stride=5, offsets=lambda x: None)
    torch.testing.assert_close(refined, x)


def test_strides_that_would_leave_gaps_are_refused():
    with pytest.raises(ValueError, match="stride 9"):
        refine_windows(make_net(), [torch.randn(3, 20)], stride=9, offsets=offsets)


def test_mirrored():
    assert mirrored(5, 3).tolist() == [0, 1, 2, 3, 4]
    assert mirrored(3, 8).tolist() == [1, 0, 0, 1, 2, 2, 1, 0]
    assert mirrored(1, 4).tolist() == [0, 0, 0, 0]
    for length in range(1, 12):
        index = mirrored(length, 11)
        first = (len(index) - length) // 2
        assert index[first : first + length].tolist() == list(range(length))
        assert np.abs(np.diff(index)).max(initial=0) <= 1


def test_pool_has_every_window_of_every_sequence_once():
    lengths = (4, 8, 9, 20)
    pairs = [
        (np.arange(n)[:, None] + 100.0 * i, np.arange(n)[:, None] + 100.0 * i + 0.5) for i, n in enumerate(lengths)
    ]
    pool = pool_windows(pairs, 8, torch.device("cpu"))
    detected, truth, known = pool.cut(torch.arange(len(pool.starts)))
    assert known is None
    assert detected.shape == (1 + 1 + 2 + 13, 1, 8)
    assert torch.equal(truth, detected + 0.5)
    assert detected[0, 0].tolist() == [1, 0, 0, 1, 2, 3, 3, 2]
    expected = [[100.0 * i + start + k for k in range(8)] for i, n in enumerate(lengths) for start in range(n - 7)]
    assert detected[1:, 0].tolist() == expected


def test_pool_cuts_what_is_known_alongside(rng):
    pairs = [(rng.normal(size=(n, 6)), rng.normal(size=(n, 6))) for n in (5, 8, 13)]
    known = [rng.random((n, 6)) > 0.3 for n in (5, 8, 13)]
    for (_, truth), mask in zip(pairs, known, strict=True):
        truth[~mask] = np.nan
    pool = pool_windows(pairs, 8, torch.device("cpu"), known)
    _, truth, mask = pool.cut(torch.tensor([6, 0, 3, 1]))
    assert mask.dtype == torch.bool
    assert torch.equal(mask, ~truth.isnan())
    assert mask[1].T.tolist() == known[0][mirrored(5, 8)].tolist()
    assert mask[0].T.tolist() == known[2][4:12].tolist()


def test_whole_sequences_through_a_motion_aware_net():
    torch.manual_seed(0)
    net = new_net("motion_aware", 8, 16, 4, 1, 0.0).eval()
    x = torch.randn(6, 40)
    [refined] = refine_windows(net, [x], stride=3, offsets=offsets)
    torch.testing.assert_close(refined, naive(net, x, 3), atol=2e-6, rtol=1e-5)
