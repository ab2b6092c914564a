"""The whole of `steady` at one frame rate as one ONNX graph, for programs without Python.

Everything is said once more in PyTorch's operators, from which `refine.onnx_export` exports the graph; it is held
against `refine.steady.smoother.refine_sequence` before it is written. Bones are not part of it.
"""

import numpy as np
import torch
from torch import Tensor, nn

from refine.steady import features as numbers
from refine.steady.bank import COARSEST, FINER, RESERVE, SMALLEST, Clock, bell, blend_weights
from refine.steady.features import FEWER, FIRST_LOOK, NEAR, WIDE
from refine.steady.net import Network, Networks
from refine.steady.partners import COUNT, FRAMES
from refine.steady.smoother import FINEST_ERROR, SHARPNESS

LEAST_JOINTS = COUNT + 1
"""Each joint must have as many partners as there can be."""

Size = tuple[int, int, int]
"""Frames, joints and dimensions: taken from the input once, as the exporter takes other shapes for the example's."""


def least_frames(fps: float) -> int:
    """Return how many frames a sequence must have at least: fewer are refined by other formulas."""
    return 2 * Clock(fps).stride + 1


class _Convolution(nn.Module):
    """As `refine.steady.bank.Convolution`, of [T, C] to [places, C] for one set of weights."""

    taps: Tensor

    def __init__(self, taps: np.ndarray, every: int = 1, before: int = 0, after: int = 0) -> None:
        super().__init__()
        self.register_buffer("taps", torch.from_numpy(taps).float()[None, None])
        radius = len(taps) // 2
        self.every, self.pad = every, (radius + before * every, radius + after * every)

    def forward(self, values: Tensor) -> Tensor:
        rows = nn.functional.pad(values.T[:, None], self.pad)
        return nn.functional.conv1d(rows, self.taps, stride=self.every)[:, 0].T


class _Moments(nn.Module):
    """Five sets of weights at once, in float64, of [T, C] to [5, places, C]; by blocks of `every` frames."""

    taps: Tensor

    def __init__(self, taps: np.ndarray, every: int) -> None:
        super().__init__()
        sets, width = taps.shape
        self.every, self.count = every, -(-width // every)
        padded = np.zeros((sets, self.count * every))
        padded[:, :width] = taps
        # [blocks, sets, every]
        self.register_buffer("taps", torch.from_numpy(padded.reshape(sets, self.count, every).swapaxes(0, 1).copy()))
        self.before = width // 2 + every

    def forward(self, values: Tensor, frames: int) -> Tensor:
        places = (frames + self.every - 1) // self.every + 3
        rows = nn.functional.pad(values, (0, 0, self.before, (self.count + 4) * self.every))
        blocks = rows[: (places + self.count - 1) * self.every].unflatten(0, (-1, self.every))
        sums = torch.matmul(self.taps.flatten(0, 1), blocks).unflatten(1, (self.count, -1))  # [blocks, count, sets, C]
        total = sums[:places, 0]
        for number in range(1, self.count):
            total = total + sums[number : number + places, number]
        return total.transpose(0, 1)


def _blend(values: Tensor, frames: int, every: int) -> Tensor:
    """As `refine.steady.bank.blend`, of [places, C]."""
    stretches = (frames + every - 1) // every
    weights = torch.from_numpy(blend_weights(every, every)[1]).to(values.dtype)
    windows = torch.stack([values[number : number + stretches] for number in range(4)], 1)  # [stretches, 4, C]
    return torch.matmul(weights, windows).flatten(0, 1)[:frames]


def _norm(x: Tensor) -> Tensor:
    return x.square().sum(1).sqrt()


class _Bank(nn.Module):
    """As `refine.steady.bank.Bank`."""

    def __init__(self, clock: Clock, sigmas: tuple[float, ...]) -> None:
        super().__init__()
        self.stride = clock.stride
        taps = bell(clock, COARSEST)
        self.unit = len(taps) // 2
        u = np.linspace(-1, 1, len(taps))
        self.moments = _Moments(taps * u ** np.arange(5)[:, None], clock.stride)
        self.usual = _Convolution(taps, clock.stride, 1, 2)
        self.bells = nn.ModuleList(_Convolution(bell(clock, sigma)) for sigma in sigmas)

    def relative(self, confidence: Tensor, frames: int) -> Tensor:
        ones = _ones(confidence[:, :1])
        sums = _blend(self.usual(torch.cat([confidence, ones], 1)), frames, self.stride)
        return confidence * (sums[:, -1:] / sums[:, :-1].clamp(min=1e-30))

    def forward(self, x: Tensor, confidence: Tensor, size: Size) -> list[Tensor]:
        _, joints, dims = size
        smoothed = [self.parabola(x, confidence, size)]
        for convolution in self.bells:
            y = smoothed[-1]
            both = torch.cat([(x - y) * confidence[:, None], confidence[:, None]], 1)
            sums = convolution(both.flatten(1)).unflatten(1, (dims + 1, joints))
            smoothed.append(y + sums[:, :dims] / (sums[:, dims:] + RESERVE))
        return smoothed

    def parabola(self, x: Tensor, confidence: Tensor, size: Size) -> Tensor:
        frames, joints, dims = size
        c = confidence.double()[:, None]
        sums = self.moments(torch.cat([c, x.double() * c], 1).flatten(1), frames).unflatten(2, (dims + 1, joints))
        s, t = sums[:, :, :1], sums[:3, :, 1:]
        m00, m01, m02 = s[2] * s[4] - s[3] ** 2, s[2] * s[3] - s[1] * s[4], s[1] * s[3] - s[2] ** 2
        m11, m12, m22 = s[0] * s[4] - s[2] ** 2, s[1] * s[2] - s[0] * s[3], s[0] * s[2] - s[1] ** 2
        scale = 1 / (s[0] * m00 + s[1] * m01 + s[2] * m02).clamp(min=1e-300)
        solved = (
            (m00 * t[0] + m01 * t[1] + m02 * t[2]) * scale,
            (m01 * t[0] + m11 * t[1] + m12 * t[2]) * scale,
            (m02 * t[0] + m12 * t[1] + m22 * t[2]) * scale,
        )
        stride = self.stride
        stretches = (frames + stride - 1) // stride
        weights = torch.from_numpy(blend_weights(stride, stride)[1])
        u = torch.from_numpy((np.arange(stride)[:, None] - stride * (np.arange(4) - 1)) / self.unit)
        out = torch.zeros(())
        for power, values in enumerate(solved):
            flat = values.flatten(1)
            windows = torch.stack([flat[number : number + stretches] for number in range(4)], 1)
            out = out + torch.matmul(weights * u**power, windows)
        return out.flatten(0, 1)[:frames].unflatten(1, (dims, joints)).float()


def _lower_median(values: Tensor, valid: Tensor) -> Tensor:
    """Return the lower median of what is valid over the first axis; infinity where nothing is."""
    ordered = torch.where(valid, values, torch.inf).sort(0).values
    at = (valid.sum(0) - 1).clamp(min=0) // 2
    return ordered.gather(0, at[None])[0]


def _middle(values: Tensor, valid: Tensor) -> Tensor:
    """Return the median, over the first axis, of what is valid, as NumPy has it; at least one must be."""
    ordered = torch.where(valid, values, torch.inf).sort(0).values
    count = valid.sum(0)
    low, high = ((at.clamp(min=0) // 2)[None] for at in (count - 1, count))
    return (ordered.gather(0, low)[0] + ordered.gather(0, high)[0]) / 2


def _fill(poses: Tensor, seen: Tensor, size: Size) -> Tensor:
    """As `data.skeletons.gaps.fill_gaps`, of [T, J, D]; 0 if nothing was seen at all."""
    frames, _, dims = size
    at = torch.arange(frames)[:, None]
    sightings = torch.where(seen, at, frames).sort(0).values
    count, last = seen.long().cumsum(0), frames - 1
    total = count[-1:]
    before = sightings.gather(0, (count - 1).clamp(min=0)).clamp(max=last)
    after_at = (count - seen.long()).clamp(max=last)
    after = sightings.gather(0, torch.minimum(after_at, (total - 1).clamp(min=0))).clamp(max=last)
    weight = ((at - before) / (after - before).clamp(min=1)).clamp(0, 1)[..., None]
    known = torch.where(seen[..., None], poses, 0.0)
    start, end = (known.gather(0, index[..., None].expand(-1, -1, dims)) for index in (before, after))
    filled = torch.where(seen[..., None], known, start + weight * (end - start))
    flat = seen.flatten()[:, None].expand(-1, dims)
    middle = torch.where(seen.any(), _middle(known.flatten(0, 1), flat), 0.0)
    return torch.where((total > 0)[..., None], filled, middle)


class Graph(nn.Module):
    """`refine_sequence` of one sequence at one frame rate.

    Shapes
    ------
    poses float32 [1, T, J, D], confidence float32 [1, T, J] -> refined float32 [1, T, J, D]
    """

    def __init__(self, networks: Networks, fps: float) -> None:
        super().__init__()
        clock = self.clock = Clock(fps)
        self.look, self.bank = _Bank(clock, FIRST_LOOK), _Bank(clock, FINER)
        self.near = _Convolution(bell(clock, NEAR))
        self.wide = _Convolution(bell(clock, WIDE), clock.stride, 1, 2)
        self.places = _Convolution(bell(clock, NEAR), clock.step)
        rest = bell(Clock(fps / clock.step), float(np.sqrt(WIDE**2 - NEAR**2)))
        self.far = _Convolution(rest, FEWER, 1, 2)
        self.judge_net, self.mixer_net = _Layers(networks.judge), _Layers(networks.mixer)

    def forward(self, poses: Tensor, confidence: Tensor) -> Tensor:
        """Refine one sequence."""
        size = (poses.shape[1], poses.shape[2], poses.shape[3])
        given, trust = poses[0].double(), confidence[0]
        trust = torch.where(torch.isfinite(given).all(-1), trust, 0.0)
        seen = trust > 0
        given = torch.where(seen[..., None], given, 0.0)
        filled = _fill(given, seen, size)
        index, usual, body = self.measure(given, seen, size)
        x = ((filled - filled.mean((0, 1))) / body).float().transpose(1, 2)
        refined = self.refine(x, trust, index, usual, size)
        out = filled + (refined - x).double().transpose(1, 2) * body
        return torch.where(seen.any(), out, torch.nan).float()[None]

    def measure(self, given: Tensor, seen: Tensor, size: Size) -> tuple[Tensor, Tensor, Tensor]:
        """Find partners [J, n], how far they usually are [J, n], in body sizes, and the body's size."""
        frames, joints, dims = size
        every = (frames + FRAMES - 1) // FRAMES
        count = (frames + every - 1) // every
        rows = torch.arange(count) * every
        seen = seen[rows]
        x = _fill(given[rows], seen, (count, joints, dims))
        x = (x - x.mean((0, 1))).float()
        length = (x[:, :, None] - x[:, None]).square().sum(-1).sqrt()
        both = seen[:, :, None] & seen[:, None]
        middle = _lower_median(length, both)
        vary = _lower_median((length - middle).abs(), both)
        own = torch.arange(joints)[:, None] == torch.arange(joints)
        vary = torch.where(both.any(0) & ~own, vary, torch.inf)
        typical = torch.isfinite(vary)
        chosen = vary.sort(1).indices[:, :COUNT]
        usual = middle.gather(1, chosen)
        alone = ~torch.isfinite(usual)
        index = torch.where(alone, torch.arange(joints)[:, None], chosen)
        usual = torch.where(alone, 0.0, usual)
        body = torch.where(typical.any(), _middle(middle.flatten(), typical.flatten()), 0.0).double()
        body = torch.where(body > 0, body, 1.0)
        return index, usual / body.float(), body

    def refine(self, x: Tensor, confidence: Tensor, index: Tensor, usual: Tensor, size: Size) -> Tensor:
        """As `refine.steady.smoother.Steady.refine`."""
        frames, joints, _ = size
        strain = torch.stack(
            [(_norm(x - x[:, :, index[:, number]]) - usual[:, number]).abs() for number in range(COUNT)]
        )
        error = self.judge_net(self.judge(x, confidence, strain, size))[0]
        trust = (-SHARPNESS * error.clamp(min=float(np.log(FINEST_ERROR)))).exp()
        trust = torch.where(confidence > 0, trust, 0.0)
        weight = self.bank.relative(trust, frames).clamp(min=SMALLEST)
        smoothed = self.bank(x, weight, size)
        raw = torch.where(confidence[:, None] > 0, x, smoothed[-1])
        found = self.mixer(x, confidence, strain, weight, error, smoothed, size)
        shares = self.mixer_net(found).softmax(0).transpose(0, 1)  # [places, levels, J]
        shares = _blend(shares.flatten(1), frames, self.clock.step).unflatten(1, (len(smoothed) + 1, joints))
        levels = torch.stack([raw, *smoothed], 1)
        return (levels * shares[:, :, None]).sum(1)

    def _mean(self, window: nn.Module, values: Tensor) -> Tensor:
        inside = window(_ones(values[:, :1]))
        return torch.as_tensor(window(values) / inside.clamp(min=1e-6))

    def _speed(self, x: Tensor) -> Tensor:
        return _ends(_norm(x[2:] - x[:-2]) * (self.clock.fps / 2))

    def judge(self, x: Tensor, confidence: Tensor, strain: Tensor, size: Size) -> Tensor:
        """As `refine.steady.features.Features.judge`."""
        frames, joints, _ = size
        smoothed = self.look(x, self.look.relative(confidence, frames).clamp(min=SMALLEST), size)
        off = torch.stack([*(_norm(x - y) for y in smoothed), strain.amin(0), confidence], 1)
        step = _norm(x[1:] - x[:-1])
        before, after = torch.cat([step[:1], step]), torch.cat([step, step[-1:]])
        flat = off.flatten(1)
        wide = _blend(self._mean(self.wide, flat), frames, self.clock.stride)
        rows = [
            *_logs(off[:, :5]),
            _log(_bend(x)),
            _log(torch.minimum(before, after)),
            _log(torch.maximum(before, after)),
        ]
        for mean in (self._mean(self.near, flat), wide):
            mean = mean.unflatten(1, (6, joints))
            rows += [*_logs(mean[:, :5]), mean[:, 5]]
        rows += [
            confidence,
            _log(self._speed(smoothed[2]), numbers.SLOW),
            rows[2].mean(1, keepdim=True).expand(-1, joints),
            _log(strain.mean(0)),
            float(np.log(self.clock.fps / 30)) * _ones(confidence),
            _three(x).expand(frames, joints),
        ]
        return torch.stack(rows)

    def mixer(
        self,
        x: Tensor,
        confidence: Tensor,
        strain: Tensor,
        weight: Tensor,
        error: Tensor,
        smoothed: list[Tensor],
        size: Size,
    ) -> Tensor:
        """As `refine.steady.features.Features.mixer`."""
        frames, joints, _ = size
        columns = [_norm(x - y) * weight for y in smoothed]
        columns += [_norm(smoothed[number + 1] - smoothed[number]) for number in range(6)]
        columns += [self._speed(smoothed[level]) for level in (1, 3, 5)]
        columns += [_bend(x) * weight, strain.amin(0), weight, confidence, error]
        step = self.clock.step
        places = (frames + step - 1) // step
        near = self._mean(self.places, torch.stack(columns, 1).flatten(1))
        wide = _blend(self._mean(self.far, near), places, FEWER)
        rows: list[Tensor] = []
        for means in (near, wide):
            mean = means.unflatten(1, (len(columns), joints))
            share = mean[:, 18].clamp(min=1e-6)
            rows += _logs(mean[:, :7] / share[:, None])
            rows += _logs(mean[:, 7:13])
            rows += [_log(mean[:, number], numbers.SLOW) for number in range(13, 16)]
            rows += [_log(mean[:, 16] / share), _log(mean[:, 17]), _log(share, 0.01), mean[:, 19], mean[:, 20]]
        at = torch.arange(places)[:, None] * step
        to_end = torch.minimum(at, frames - 1 - at).clamp(min=0).float() / self.clock.fps
        like = _ones(near[:, :joints])
        rows += [
            (-to_end / 0.1).exp() * like,
            (-to_end / 0.5).exp() * like,
            float(np.log(self.clock.fps / 30)) * like,
            _three(x) * like,
        ]
        found = torch.stack(rows)
        return torch.cat([found[:, :1], found, found[:, -1:], found[:, -1:]], 1)


class _Layers(nn.Module):
    """As `refine.steady.net.Network`, of [in, T, J]."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        for number, layer in enumerate(network.layers):
            for part, array in zip(("own", "others", "bias"), layer, strict=True):
                if array is not None:
                    self.register_buffer(f"{part}_{number}", torch.from_numpy(np.ascontiguousarray(array)))
        self.count = len(network.layers)

    def forward(self, x: Tensor) -> Tensor:
        h = x.permute(1, 2, 0)
        for number in range(self.count):
            out = h @ self.get_buffer(f"own_{number}") + self.get_buffer(f"bias_{number}")
            if number:
                out = out + h.mean(1, keepdim=True) @ self.get_buffer(f"others_{number}")
            h = out.relu() if number + 1 < self.count else out
        return h.permute(2, 0, 1)


def _ones(x: Tensor) -> Tensor:
    """Return ones; the exporter would keep the example's shape of `torch.ones_like`."""
    return (x == x).to(x.dtype)


def _log(x: Tensor, floor: float = numbers.SMALL) -> Tensor:
    return (x + floor).log()


def _logs(columns: Tensor) -> list[Tensor]:
    return list(_log(columns).unbind(1))


def _ends(inner: Tensor) -> Tensor:
    return torch.cat([inner[:1], inner, inner[-1:]])


def _bend(x: Tensor) -> Tensor:
    return _ends(_norm(x[2:] - 2 * x[1:-1] + x[:-2]))


def _three(x: Tensor) -> Tensor:
    """Return 1 for poses in space, 0 for those in an image, [1, 1]."""
    return _ones(x[:1, :, 0]).sum(1, keepdim=True) - 2
