// `refine.steady` once more, for browsers: one sequence, without bones. Names are those of the Python modules.
// Sequences are Float64Array [T, D, J] inside, confidences and other numbers of joints [T, J], row by row.
"use strict";
const Steady = (() => {
  const COARSEST = 0.8, FINER = [0.3, 0.17, 0.1, 0.06, 0.035, 0.02], FIRST_LOOK = [0.3, 0.1, 0.035];
  const RESERVE = 0.03, SMALLEST = 1e-4, PER_SECOND = 15, NEAR = 0.08, WIDE = 0.5, FEWER = 4;
  const SMALL = 3e-4, SLOW = 1e-2, FINEST_ERROR = 1e-3, SHARPNESS = 3, COUNT = 4, FRAMES = 256;

  // Round halves to even, as Python does.
  const round = (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));
  const ceilDivide = (a, b) => Math.floor((a + b - 1) / b);
  const ordered = (values) => Float64Array.from(values).sort();

  function clock(fps) {
    const step = Math.max(1, round(fps / PER_SECOND));
    return { fps, step, stride: 4 * step };
  }
  const radiusOf = (fps, sigma) => Math.max(1, Math.ceil(3 * sigma * fps) - 1);
  function bell(fps, sigma) {
    const radius = radiusOf(fps, sigma), out = new Float64Array(2 * radius + 1);
    let sum = 0;
    for (let n = -radius; n <= radius; n++) sum += out[n + radius] = Math.max(1 - (n / fps / (3 * sigma)) ** 2, 0) ** 3;
    return out.map((w) => w / sum);
  }

  // Weighted sums of [T, C] around every `every`-th frame, from `before` places before the first to `after` behind.
  function convolve(taps, values, T, C, every = 1, before = 0, after = 0) {
    const places = ceilDivide(T, every) + before + after, radius = taps.length >> 1, out = new Float64Array(places * C);
    for (let p = 0; p < places; p++) {
      const centre = (p - before) * every;
      for (let n = Math.max(0, centre - radius); n <= Math.min(T - 1, centre + radius); n++) {
        const w = taps[n - centre + radius], from = n * C, to = p * C;
        for (let c = 0; c < C; c++) out[to + c] += w * values[from + c];
      }
    }
    return out;
  }

  function blendWeights(u) {
    return [(1 - u) ** 3, 3 * u ** 3 - 6 * u ** 2 + 4, -3 * u ** 3 + 3 * u ** 2 + 3 * u + 1, u ** 3].map((w) => w / 6);
  }
  // Spread values at places [places, C], the first one before frame 0, smoothly over the frames.
  function blend(values, C, frames, every) {
    const out = new Float64Array(frames * C);
    for (let t = 0; t < frames; t++) {
      const place = Math.floor(t / every), weights = blendWeights((t % every) / every);
      for (let k = 0; k < 4; k++)
        for (let c = 0; c < C; c++) out[t * C + c] += weights[k] * values[(place + k) * C + c];
    }
    return out;
  }

  function solve(s, t) { // sums of weights, of weighted coordinates; returns a, b, d of a + b u + d u^2
    const m00 = s[2] * s[4] - s[3] ** 2, m01 = s[2] * s[3] - s[1] * s[4], m02 = s[1] * s[3] - s[2] ** 2;
    const m11 = s[0] * s[4] - s[2] ** 2, m12 = s[1] * s[2] - s[0] * s[3], m22 = s[0] * s[2] - s[1] ** 2;
    const scale = 1 / Math.max(s[0] * m00 + s[1] * m01 + s[2] * m02, 1e-300);
    return [
      (m00 * t[0] + m01 * t[1] + m02 * t[2]) * scale,
      (m01 * t[0] + m11 * t[1] + m12 * t[2]) * scale,
      (m02 * t[0] + m12 * t[1] + m22 * t[2]) * scale,
    ];
  }

  function relative(time, confidence, T, J) {
    const C = J + 1, both = new Float64Array(T * C).fill(1);
    for (let t = 0; t < T; t++) for (let j = 0; j < J; j++) both[t * C + j] = confidence[t * J + j];
    const sums = blend(convolve(bell(time.fps, COARSEST), both, T, C, time.stride, 1, 2), C, T, time.stride);
    const out = new Float64Array(T * J);
    for (let t = 0; t < T; t++)
      for (let j = 0; j < J; j++)
        out[t * J + j] = confidence[t * J + j] * (sums[t * C + J] / Math.max(sums[t * C + j], 1e-30));
    return out;
  }

  function parabola(time, x, confidence, T, D, J) {
    if (T < 3) return x.slice();
    const stride = time.stride, whole = T <= 2 * stride;
    const taps = bell(time.fps, COARSEST), unit = taps.length >> 1, C = (D + 1) * J;
    const weighted = new Float64Array(T * C);
    for (let t = 0; t < T; t++)
      for (let j = 0; j < J; j++) {
        const w = confidence[t * J + j];
        weighted[t * C + j] = w;
        for (let d = 0; d < D; d++) weighted[t * C + (d + 1) * J + j] = w * x[(t * D + d) * J + j];
      }
    const sums = [];
    for (let power = 0; power < 5; power++) {
      if (whole) {
        const sum = new Float64Array(C);
        for (let t = 0; t < T; t++)
          for (let c = 0; c < C; c++) sum[c] += (-1 + (2 * t) / (T - 1)) ** power * weighted[t * C + c];
        sums.push(sum);
      } else {
        const powers = taps.map((w, n) => w * ((n - unit) / unit) ** power);
        sums.push(convolve(powers, weighted, T, C, stride, 1, 2));
      }
    }
    const places = sums[0].length / C, fits = [0, 1, 2].map(() => new Float64Array(places * D * J));
    for (let p = 0; p < places; p++)
      for (let j = 0; j < J; j++) {
        const s = sums.map((one) => one[p * C + j]);
        for (let d = 0; d < D; d++) {
          const found = solve(s, sums.slice(0, 3).map((one) => one[p * C + (d + 1) * J + j]));
          for (let n = 0; n < 3; n++) fits[n][(p * D + d) * J + j] = found[n];
        }
      }
    const out = new Float64Array(T * D * J), row = D * J;
    for (let t = 0; t < T; t++) {
      if (whole) {
        const u = -1 + (2 * t) / (T - 1);
        for (let c = 0; c < row; c++) out[t * row + c] = fits[0][c] + fits[1][c] * u + fits[2][c] * u * u;
        continue;
      }
      const place = Math.floor(t / stride), rest = t % stride, weights = blendWeights(rest / stride);
      for (let k = 0; k < 4; k++) {
        const u = (rest - stride * (k - 1)) / unit, at = (place + k) * row;
        for (let c = 0; c < row; c++)
          out[t * row + c] += weights[k] * (fits[0][at + c] + fits[1][at + c] * u + fits[2][at + c] * u * u);
      }
    }
    return out;
  }

  function bank(time, sigmas, x, confidence, T, D, J) {
    const smoothed = [parabola(time, x, confidence, T, D, J)], C = (D + 1) * J;
    for (const sigma of sigmas) {
      const y = smoothed[smoothed.length - 1], both = new Float64Array(T * C), finer = new Float64Array(T * D * J);
      for (let t = 0; t < T; t++)
        for (let j = 0; j < J; j++) {
          const w = confidence[t * J + j];
          both[t * C + D * J + j] = w;
          for (let d = 0; d < D; d++) {
            const at = (t * D + d) * J + j;
            both[t * C + d * J + j] = (x[at] - y[at]) * w;
          }
        }
      const sums = convolve(bell(time.fps, sigma), both, T, C);
      for (let t = 0; t < T; t++)
        for (let j = 0; j < J; j++)
          for (let d = 0; d < D; d++) {
            const at = (t * D + d) * J + j;
            finer[at] = y[at] + sums[t * C + d * J + j] / (sums[t * C + D * J + j] + RESERVE);
          }
      smoothed.push(finer);
    }
    return smoothed;
  }

  // Lengths [T, J] of the differences of two sequences.
  function apart(x, y, T, D, J) {
    const out = new Float64Array(T * J);
    for (let t = 0; t < T; t++)
      for (let j = 0; j < J; j++) {
        let sum = 0;
        for (let d = 0; d < D; d++) sum += (x[(t * D + d) * J + j] - y[(t * D + d) * J + j]) ** 2;
        out[t * J + j] = Math.sqrt(sum);
      }
    return out;
  }
  // Lengths of a x[t - 1] + b x[t] + c x[t + 1]; at the ends as beside them.
  function differences(x, T, D, J, a, b, c) {
    const out = new Float64Array(T * J);
    if (T < 3) return out;
    for (let t = 0; t < T; t++) {
      const at = Math.min(Math.max(t, 1), T - 2), row = D * J;
      for (let j = 0; j < J; j++) {
        let sum = 0;
        for (let d = 0; d < D; d++) {
          const n = at * row + d * J + j;
          sum += (a * x[n - row] + b * x[n] + c * x[n + row]) ** 2;
        }
        out[t * J + j] = Math.sqrt(sum);
      }
    }
    return out;
  }
  const speed = (x, T, D, J, fps) => differences(x, T, D, J, -1, 0, 1).map((v) => (v * fps) / 2);
  const bend = (x, T, D, J) => differences(x, T, D, J, 1, -2, 1);

  // Columns [T, C] averaged over windows that end with the sequence.
  function mean(taps, values, T, C, every = 1, before = 0, after = 0) {
    const sums = convolve(taps, values, T, C, every, before, after);
    const inside = convolve(taps, new Float64Array(T).fill(1), T, 1, every, before, after);
    return sums.map((v, n) => v / Math.max(inside[Math.floor(n / C)], 1e-6));
  }
  // Put [T, J] arrays beside each other: [T, n, J].
  function beside(columns, T, J) {
    const n = columns.length, out = new Float64Array(T * n * J);
    columns.forEach((one, k) => {
      for (let t = 0; t < T; t++) out.set(one.subarray(t * J, t * J + J), (t * n + k) * J);
    });
    return out;
  }
  const column = (values, k, n, T, J) => {
    const out = new Float64Array(T * J);
    for (let t = 0; t < T; t++) out.set(values.subarray((t * n + k) * J, (t * n + k + 1) * J), t * J);
    return out;
  };
  const logs = (values, floor = SMALL) => values.map((v) => Math.log(v + floor));

  function strains(x, partners, T, D, J) {
    const out = [];
    for (let n = 0; n < Math.min(COUNT, J - 1); n++) {
      const one = new Float64Array(T * J);
      for (let t = 0; t < T; t++)
        for (let j = 0; j < J; j++) {
          let sum = 0;
          const other = partners.index[j][n];
          for (let d = 0; d < D; d++) sum += (x[(t * D + d) * J + j] - x[(t * D + d) * J + other]) ** 2;
          one[t * J + j] = Math.abs(Math.sqrt(sum) - partners.usual[j][n]);
        }
      out.push(one);
    }
    const least = new Float64Array(T * J), average = new Float64Array(T * J);
    if (out.length)
      for (let n = 0; n < T * J; n++) {
        least[n] = Math.min(...out.map((one) => one[n]));
        average[n] = out.reduce((sum, one) => sum + one[n], 0) / out.length;
      }
    return { least, average };
  }

  function judgeNumbers(time, x, confidence, strain, T, D, J) {
    const trusted = relative(time, confidence, T, J).map((v) => Math.max(v, SMALLEST));
    const smoothed = bank(time, FIRST_LOOK, x, trusted, T, D, J);
    const off = [...smoothed.map((y) => apart(x, y, T, D, J)), strain.least, confidence];
    const steps = [0, 1].map((k) => {
      const out = new Float64Array(T * J);
      for (let t = 0; t < T && T > 1; t++) {
        const at = Math.min(Math.max(t + k, 1), T - 1);
        for (let j = 0; j < J; j++) {
          let sum = 0;
          for (let d = 0; d < D; d++) sum += (x[(at * D + d) * J + j] - x[((at - 1) * D + d) * J + j]) ** 2;
          out[t * J + j] = Math.sqrt(sum);
        }
      }
      return out;
    });
    const flat = beside(off, T, J), C = 6 * J;
    const near = mean(bell(time.fps, NEAR), flat, T, C);
    const wide = blend(mean(bell(time.fps, WIDE), flat, T, C, time.stride, 1, 2), C, T, time.stride);
    const numbers = [...off.slice(0, 5).map((one) => logs(one)), logs(bend(x, T, D, J))];
    numbers.push(logs(steps[0].map((v, n) => Math.min(v, steps[1][n]))));
    numbers.push(logs(steps[0].map((v, n) => Math.max(v, steps[1][n]))));
    for (const part of [near, wide]) {
      for (let k = 0; k < 5; k++) numbers.push(logs(column(part, k, 6, T, J)));
      numbers.push(column(part, 5, 6, T, J));
    }
    numbers.push(confidence, logs(speed(smoothed[2], T, D, J, time.fps), SLOW));
    const others = new Float64Array(T * J);
    for (let t = 0; t < T; t++) {
      let sum = 0;
      for (let j = 0; j < J; j++) sum += numbers[2][t * J + j];
      others.fill(sum / J, t * J, t * J + J);
    }
    numbers.push(others, logs(strain.average));
    numbers.push(new Float64Array(T * J).fill(Math.log(time.fps / 30)), new Float64Array(T * J).fill(D === 3 ? 1 : 0));
    return numbers;
  }

  function mixerNumbers(time, x, confidence, strain, weight, error, smoothed, T, D, J) {
    const columns = smoothed.map((y) => apart(x, y, T, D, J).map((v, n) => v * weight[n]));
    for (let k = 0; k < 6; k++) columns.push(apart(smoothed[k + 1], smoothed[k], T, D, J));
    for (const level of [1, 3, 5]) columns.push(speed(smoothed[level], T, D, J, time.fps));
    columns.push(bend(x, T, D, J).map((v, n) => v * weight[n]), strain.least, weight, confidence, error);
    const n = columns.length, C = n * J, places = ceilDivide(T, time.step);
    const near = mean(bell(time.fps, NEAR), beside(columns, T, J), T, C, time.step);
    const rest = bell(time.fps / time.step, Math.sqrt(WIDE ** 2 - NEAR ** 2));
    const wide = blend(mean(rest, near, places, C, FEWER, 1, 2), C, places, FEWER);
    const numbers = [];
    for (const part of [near, wide]) {
      const get = (k) => column(part, k, n, places, J), share = get(18).map((v) => Math.max(v, 1e-6));
      for (let k = 0; k < 7; k++) numbers.push(logs(get(k).map((v, i) => v / share[i])));
      for (let k = 7; k < 13; k++) numbers.push(logs(get(k)));
      for (let k = 13; k < 16; k++) numbers.push(logs(get(k), SLOW));
      numbers.push(logs(get(16).map((v, i) => v / share[i])), logs(get(17)), logs(share, 0.01), get(19), get(20));
    }
    for (const seconds of [0.1, 0.5]) {
      const out = new Float64Array(places * J);
      for (let p = 0; p < places; p++) {
        const at = p * time.step, end = Math.max(Math.min(at, T - 1 - at), 0) / time.fps;
        out.fill(Math.exp(-end / seconds), p * J, p * J + J);
      }
      numbers.push(out);
    }
    numbers.push(new Float64Array(places * J).fill(Math.log(time.fps / 30)));
    numbers.push(new Float64Array(places * J).fill(D === 3 ? 1 : 0));
    // Beyond the ends it is as at the ends.
    return numbers.map((one) => {
      const out = new Float64Array((places + 3) * J);
      for (let p = 0; p < places + 3; p++) {
        const from = Math.min(Math.max(p - 1, 0), places - 1) * J;
        out.set(one.subarray(from, from + J), p * J);
      }
      return out;
    });
  }

  // Layers that all joints share; what the others see reaches a joint as the mean over all joints. Returns rows [T, J].
  function network(layers, numbers, T, J) {
    const out = Array.from({ length: layers[layers.length - 1].bias.length }, () => new Float64Array(T * J));
    const most = Math.max(numbers.length, ...layers.map((layer) => layer.bias.length));
    let h = new Float64Array(J * most), next = new Float64Array(J * most);
    const shared = new Float64Array(most);
    for (let t = 0; t < T; t++) {
      let count = numbers.length;
      for (let j = 0; j < J; j++) for (let i = 0; i < count; i++) h[j * count + i] = numbers[i][t * J + j];
      for (const layer of layers) {
        const wide = layer.bias.length, own = layer.own, others = layer.others;
        shared.set(layer.bias);
        for (let i = 0; others && i < count; i++) {
          let sum = 0;
          for (let j = 0; j < J; j++) sum += h[j * count + i];
          for (let o = 0; o < wide; o++) shared[o] += (sum / J) * others[i * wide + o];
        }
        for (let j = 0; j < J; j++) {
          const to = j * wide;
          for (let o = 0; o < wide; o++) next[to + o] = shared[o];
          for (let i = 0; i < count; i++) {
            const v = h[j * count + i], from = i * wide;
            if (v !== 0) for (let o = 0; o < wide; o++) next[to + o] += v * own[from + o];
          }
          if (layer !== layers[layers.length - 1])
            for (let o = 0; o < wide; o++) if (next[to + o] < 0) next[to + o] = 0;
        }
        [h, next] = [next, h];
        count = wide;
      }
      for (let j = 0; j < J; j++) for (let o = 0; o < count; o++) out[o][t * J + j] = h[j * count + o];
    }
    return out;
  }

  function refine(networks, x, confidence, partners, fps, T, D, J) {
    const time = clock(fps), strain = strains(x, partners, T, D, J);
    const error = network(networks.judge, judgeNumbers(time, x, confidence, strain, T, D, J), T, J)[0];
    const trust = error.map((e, n) =>
      confidence[n] > 0 ? Math.exp(-SHARPNESS * Math.max(e, Math.log(FINEST_ERROR))) : 0);
    const weight = relative(time, trust, T, J).map((v) => Math.max(v, SMALLEST));
    const smoothed = bank(time, FINER, x, weight, T, D, J);
    const found = mixerNumbers(time, x, confidence, strain, weight, error, smoothed, T, D, J);
    const places = found[0].length / J, logits = network(networks.mixer, found, places, J), n = logits.length;
    const shares = new Float64Array(places * n * J);
    for (let p = 0; p < places; p++)
      for (let j = 0; j < J; j++) {
        const values = logits.map((one) => one[p * J + j]), most = Math.max(...values);
        const powers = values.map((v) => Math.exp(v - most)), sum = powers.reduce((a, b) => a + b, 0);
        powers.forEach((v, k) => (shares[(p * n + k) * J + j] = v / sum));
      }
    const weights = blend(shares, n * J, T, time.step), out = new Float64Array(T * D * J);
    for (let t = 0; t < T; t++)
      for (let j = 0; j < J; j++) {
        const raw = confidence[t * J + j] > 0 ? x : smoothed[smoothed.length - 1];
        for (let d = 0; d < D; d++) {
          const at = (t * D + d) * J + j;
          let sum = weights[t * n * J + j] * raw[at];
          smoothed.forEach((y, k) => (sum += weights[(t * n + k + 1) * J + j] * y[at]));
          out[at] = sum;
        }
      }
    return out;
  }

  // Between sightings by linear interpolation, elsewhere the nearest; [T, J, D]. Who was never seen is at the median.
  function fillGaps(poses, seen, T, J, D) {
    const out = Float64Array.from(poses);
    let middle = null;
    for (let j = 0; j < J; j++) {
      const at = [];
      for (let t = 0; t < T; t++) if (seen[t * J + j]) at.push(t);
      if (at.length === T) continue;
      if (!at.length) {
        middle ??= Array.from({ length: D }, (_, d) => median(allOf(poses, seen, D, d)));
        for (let t = 0; t < T; t++) for (let d = 0; d < D; d++) out[(t * J + j) * D + d] = middle[d];
        continue;
      }
      for (let t = 0, k = 0; t < T; t++) {
        while (k < at.length && at[k] < t) k++;
        const before = at[Math.max(k - (at[k] === t ? 0 : 1), 0)], after = at[Math.min(k, at.length - 1)];
        const share = Math.min(Math.max((t - before) / Math.max(after - before, 1), 0), 1);
        for (let d = 0; d < D; d++) {
          const a = poses[(before * J + j) * D + d], b = poses[(after * J + j) * D + d];
          out[(t * J + j) * D + d] = a + share * (b - a);
        }
      }
    }
    return out;
  }
  function allOf(poses, seen, D, d) {
    const out = [];
    seen.forEach((one, n) => one && out.push(poses[n * D + d]));
    return out;
  }
  function median(values) {
    const all = ordered(values), n = all.length;
    return n ? (all[(n - 1) >> 1] + all[n >> 1]) / 2 : 0;
  }

  function prepare(poses, confidence, size, T, J, D) {
    const seen = confidence.map((c) => (c > 0 ? 1 : 0));
    const filled = seen.includes(1) ? fillGaps(poses, seen, T, J, D) : new Float64Array(T * J * D);
    const centre = new Float64Array(D), x = new Float64Array(T * D * J);
    filled.forEach((v, n) => (centre[n % D] += v / (T * J)));
    for (let t = 0; t < T; t++)
      for (let j = 0; j < J; j++)
        for (let d = 0; d < D; d++) x[(t * D + d) * J + j] = (filled[(t * J + j) * D + d] - centre[d]) / size;
    return { filled, centre, x, seen };
  }

  function findPartners(poses, confidence, T, J, D) {
    const every = Math.max(1, ceilDivide(T, FRAMES)), rows = [];
    for (let t = 0; t < T; t += every) rows.push(t);
    const some = new Float64Array(rows.length * J * D), trust = new Float64Array(rows.length * J);
    rows.forEach((t, n) => {
      some.set(poses.subarray(t * J * D, (t + 1) * J * D), n * J * D);
      trust.set(confidence.subarray(t * J, (t + 1) * J), n * J);
    });
    const { filled: at, seen } = prepare(some, trust, 1, rows.length, J, D), typical = [], index = [], usual = [];
    const count = Math.min(COUNT, J - 1);
    for (let a = 0; a < J; a++) {
      const found = [];
      for (let b = 0; b < J; b++) {
        if (a === b) continue;
        const lengths = [];
        for (let t = 0; t < rows.length; t++) {
          if (!seen[t * J + a] || !seen[t * J + b]) continue;
          let sum = 0;
          for (let d = 0; d < D; d++) sum += (at[(t * J + a) * D + d] - at[(t * J + b) * D + d]) ** 2;
          lengths.push(Math.sqrt(sum));
        }
        if (!lengths.length) continue;
        const lower = (values) => ordered(values)[(values.length - 1) >> 1];
        const middle = lower(lengths), vary = lower(lengths.map((v) => Math.abs(v - middle)));
        found.push({ b, middle, vary });
        typical.push(middle);
      }
      found.sort((p, q) => p.vary - q.vary || p.b - q.b);
      index.push(Array.from({ length: count }, (_, n) => (n < found.length ? found[n].b : a)));
      usual.push(Array.from({ length: count }, (_, n) => (n < found.length ? found[n].middle : 0)));
    }
    let size = median(typical);
    if (!(size > 0)) {
      const own = Array.from({ length: D }, (_, d) => allOf(at, seen, D, d)), n = own[0].length || 1;
      const squares = own.map((values) => {
        const middle = values.reduce((a, b) => a + b, 0) / n;
        return values.reduce((a, b) => a + (b - middle) ** 2, 0) / n;
      });
      size = Math.sqrt(squares.reduce((a, b) => a + b, 0));
    }
    size = size > 0 ? size : 1;
    return { size, index, usual: usual.map((row) => row.map((v) => v / size)) };
  }

  /**
   * Refine one sequence: `refine.refine(poses, fps, confidence, strength=strength)`.
   * @param {object} networks what `read` returns
   * @param {Float64Array} poses [T, J, D]; NaN where nothing is known
   * @param {Float64Array|null} confidence [T, J], 0 to 1
   * @returns {Float64Array} [T, J, D]; as it was where a joint is missing
   */
  function refineSequence(networks, poses, T, J, D, fps, confidence = null, strength = 1) {
    const trust = new Float64Array(T * J);
    for (let n = 0; n < T * J; n++) {
      let known = true;
      for (let d = 0; d < D; d++) known &&= Number.isFinite(poses[n * D + d]);
      trust[n] = known ? (confidence ? Math.min(Math.max(confidence[n] || 0, 0), 1) : 1) : 0;
    }
    const out = Float64Array.from(poses);
    if (!trust.some((c) => c > 0)) return out;
    const partners = findPartners(poses, trust, T, J, D);
    const given = prepare(poses, trust, partners.size, T, J, D);
    const refined = refine(networks, given.x, trust, partners, fps, T, D, J);
    for (let t = 0; t < T; t++)
      for (let j = 0; j < J; j++)
        for (let d = 0; d < D && trust[t * J + j] > 0; d++) {
          const at = (t * D + d) * J + j;
          out[(t * J + j) * D + d] += (refined[at] - given.x[at]) * partners.size * strength;
        }
    return out;
  }

  /** Read a file of weights (safetensors). */
  function read(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const length = Number(view.getBigUint64(0, true));
    const head = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    const tensor = (name) => {
      const [from, to] = head[name].data_offsets.map((n) => n + 8 + length), out = new Float64Array((to - from) / 4);
      return out.map((_, n) => view.getFloat32(from + 4 * n, true));
    };
    const layers = (name) => {
      const out = [];
      for (let n = 0; head[`${name}.${n}.own`]; n++)
        out.push({
          own: tensor(`${name}.${n}.own`),
          others: head[`${name}.${n}.others`] ? tensor(`${name}.${n}.others`) : null,
          bias: tensor(`${name}.${n}.bias`),
        });
      return out;
    };
    return { judge: layers("judge"), mixer: layers("mixer") };
  }

  return { read, refineSequence };
})();
