"use strict";
(() => {
  const LARGEST = 200e6;
  const at = (id) => document.getElementById(id);
  const weights = Uint8Array.from(atob(at("weights").textContent.trim()), (c) => c.charCodeAt(0));
  const state = { files: null, refined: null, frame: 0, playing: false, person: 0 };
  const say = (text, bad = false) => {
    at("say").textContent = text;
    at("say").className = bad ? "bad" : "";
  };

  // Refining is done beside the page, so that it goes on moving.
  function work(person, fps, strength) {
    const source = at("steady").textContent + `
      onmessage = ({data: [weights, p, fps, strength]}) => postMessage(
        Steady.refineSequence(Steady.read(weights), p.poses, p.T, p.J, p.D, fps, p.confidence, strength));`;
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" })), worker = new Worker(url);
    const { T, J, D, poses, confidence } = person;
    return new Promise((resolve, reject) => {
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage([weights, { T, J, D, poses, confidence }, fps, strength]);
    }).finally(() => {
      worker.terminate();
      URL.revokeObjectURL(url);
    });
  }

  async function load(list) {
    try {
      const chosen = [...list].filter((file) => !file.name.startsWith("."));
      if (chosen.reduce((sum, file) => sum + file.size, 0) > LARGEST) throw new Files.Refused("more than 200 MB");
      const files = await Promise.all(chosen.map(async (file) => ({ name: file.name, text: await file.text() })));
      state.files = Files.read(files);
      if (!state.files.people.length) throw new Files.Refused("nobody in it");
      state.refined = null;
      if (state.files.fps) at("fps").value = state.files.fps;
      await refine();
    } catch (error) {
      if (!(error instanceof Files.Refused) && !(error instanceof TypeError)) throw error;
      state.files = state.refined = null;
      at("result").hidden = true;
      say(`Not read: ${error instanceof Files.Refused ? error.message : "its parts are not as expected"}`, true);
    }
  }

  async function refine() {
    if (!state.files) return;
    const fps = Number(at("fps").value), { people, format } = state.files;
    if (!(fps > 0)) return say(`${format} does not say how many frames a second it has: write them above.`, true);
    if (state.refined && state.asked === `${fps} ${at("strength").value}`) return;
    state.asked = `${fps} ${at("strength").value}`;
    say("Refining ...");
    at("download").disabled = true;
    const started = performance.now(), strength = Number(at("strength").value), given = state.files, refined = [];
    for (const person of people) refined.push(await work(person, fps, strength));
    if (state.files !== given || state.asked !== `${fps} ${strength}`) return; // something else was asked for meanwhile
    at("download").disabled = false;
    const first = !state.refined;
    state.refined = refined;
    const frames = people.reduce((sum, one) => sum + one.T, 0), seconds = (performance.now() - started) / 1000;
    say(`${format}: ${people.length} ${people.length > 1 ? "people" : "person"}, ${people[0].T} frames, ${people[0].J} joints; `
      + `${frames} frames refined in ${seconds.toFixed(1)} s.`);
    if (first) choices();
    at("result").hidden = false;
    show();
  }

  function choices() {
    const fill = (select, count, name) => select.replaceChildren(...Array.from({ length: count }, (_, n) => {
      const option = document.createElement("option");
      option.value = n;
      option.textContent = name(n);
      return option;
    }));
    state.person = 0;
    fill(at("person"), state.files.people.length, (n) => `person ${state.files.people[n].name}`);
    choose();
    function choose() {
      const person = state.files.people[state.person];
      fill(at("joint"), person.J, (n) => `joint ${n}`);
      fill(at("axis"), person.D, (n) => "xyz"[n]);
      // The joint that was moved most.
      const moved = Array.from({ length: person.J }, (_, j) => {
        let sum = 0;
        for (let n = j * person.D; n < person.poses.length; n += person.J * person.D)
          sum += Math.abs(state.refined[state.person][n] - person.poses[n]) || 0;
        return sum;
      });
      at("joint").value = moved.indexOf(Math.max(...moved));
      at("slider").max = person.T - 1;
      state.frame = 0;
      state.bones = bones(person);
      state.box = box(person);
      at("up").checked = person.D === 3;
    }
    at("person").onchange = () => {
      state.person = Number(at("person").value);
      choose();
      show();
    };
  }

  // COCO's 17 joints, OpenPose's BODY_25, MediaPipe's 33: pairs of joints one after the other.
  const KNOWN = {
    17: "0 1 0 2 1 3 2 4 5 6 5 7 7 9 6 8 8 10 5 11 6 12 11 12 11 13 13 15 12 14 14 16",
    25: "0 1 1 2 2 3 3 4 1 5 5 6 6 7 1 8 8 9 9 10 10 11 8 12 12 13 13 14 0 15 15 17 0 16 16 18 14 19 19 20 14 21 11 22 22 23 11 24",
    33: "0 2 2 7 0 5 5 8 9 10 11 12 11 13 13 15 15 19 12 14 14 16 16 20 11 23 12 24 23 24 23 25 25 27 27 29 29 31 24 26 26 28 28 30 30 32",
  };
  // Lines to draw: those of the file, of a known skeleton, or the shortest tree over the joints' usual distances.
  function bones({ poses, T, J, D }) {
    if (Array.isArray(state.files.bones)) return state.files.bones.filter((pair) => pair.every((j) => j >= 0 && j < J));
    if (KNOWN[J] && !(J === 25 && D === 3)) return KNOWN[J].match(/\d+ \d+/g).map((pair) => pair.split(" ").map(Number));
    const every = Math.max(1, Math.floor(T / 40));
    const apart = (a, b) => {
      const found = [];
      for (let t = 0; t < T; t += every) {
        let sum = 0;
        for (let d = 0; d < D; d++) sum += (poses[(t * J + a) * D + d] - poses[(t * J + b) * D + d]) ** 2;
        if (Number.isFinite(sum)) found.push(sum);
      }
      return found.length ? found.sort((p, q) => p - q)[found.length >> 1] : Infinity;
    };
    const best = Array.from({ length: J }, (_, j) => ({ far: apart(0, j), from: 0 })), out = [], left = new Set(best.keys());
    left.delete(0);
    while (left.size) {
      const next = [...left].reduce((a, b) => (best[b].far < best[a].far ? b : a));
      left.delete(next);
      if (Number.isFinite(best[next].far)) out.push([best[next].from, next]);
      for (const j of left) {
        const far = apart(next, j);
        if (far < best[j].far) best[j] = { far, from: next };
      }
    }
    return out;
  }

  function box({ poses, D }) {
    const ranges = [0, 1].map((d) => {
      const values = [];
      for (let n = d; n < poses.length; n += D) if (Number.isFinite(poses[n])) values.push(poses[n]);
      values.sort((a, b) => a - b);
      return [values[Math.floor(values.length * 0.005)], values[Math.ceil(values.length * 0.995) - 1]];
    });
    return ranges;
  }

  function canvas(id) {
    const element = at(id), scale = devicePixelRatio || 1, { clientWidth: w, clientHeight: h } = element;
    element.width = w * scale;
    element.height = h * scale;
    const pen = element.getContext("2d");
    pen.scale(scale, scale);
    return { pen, w, h };
  }
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function skeleton(id, poses, ink) {
    const { pen, w, h } = canvas(id), { J, D } = state.files.people[state.person], [[x0, x1], [y0, y1]] = state.box;
    const scale = 0.86 * Math.min(w / (x1 - x0 || 1), h / (y1 - y0 || 1)), up = at("up").checked ? -1 : 1;
    const place = (j) => {
      const n = (state.frame * J + j) * D;
      return [w / 2 + scale * (poses[n] - (x0 + x1) / 2), h / 2 + up * scale * (poses[n + 1] - (y0 + y1) / 2)];
    };
    pen.strokeStyle = pen.fillStyle = ink;
    pen.lineWidth = 2;
    for (const [a, b] of state.bones) {
      const [from, to] = [place(a), place(b)];
      if (![...from, ...to].every(Number.isFinite)) continue;
      pen.beginPath();
      pen.moveTo(...from);
      pen.lineTo(...to);
      pen.stroke();
    }
    for (let j = 0; j < J; j++) {
      const [x, y] = place(j);
      pen.beginPath();
      pen.arc(x, y, j === Number(at("joint").value) ? 6 : 3, 0, 7);
      if (Number.isFinite(x)) pen.fill();
    }
  }

  function graph(before, after) {
    const { pen, w, h } = canvas("graph"), { T, J, D } = state.files.people[state.person];
    const j = Number(at("joint").value), d = Number(at("axis").value), value = (x, t) => x[(t * J + j) * D + d];
    let [low, high] = [Infinity, -Infinity];
    for (let t = 0; t < T; t++) for (const x of [before, after]) {
      const v = value(x, t);
      if (Number.isFinite(v)) [low, high] = [Math.min(low, v), Math.max(high, v)];
    }
    const X = (t) => 8 + ((w - 16) * t) / Math.max(T - 1, 1), Y = (v) => h - 8 - ((h - 16) * (v - low)) / (high - low || 1);
    for (const [x, ink, wide] of [[before, colour("--before"), 1], [after, colour("--after"), 2]]) {
      pen.strokeStyle = ink;
      pen.lineWidth = wide;
      pen.beginPath();
      for (let t = 0, drawn = false; t < T; t++) {
        const v = value(x, t);
        if (!Number.isFinite(v)) drawn = false;
        else if (drawn) pen.lineTo(X(t), Y(v));
        else {
          pen.moveTo(X(t), Y(v));
          drawn = true;
        }
      }
      pen.stroke();
    }
    pen.strokeStyle = colour("--ink");
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(X(state.frame), 0);
    pen.lineTo(X(state.frame), h);
    pen.stroke();
  }

  function show() {
    if (!state.refined) return;
    const before = state.files.people[state.person].poses, after = state.refined[state.person];
    skeleton("before", before, colour("--before"));
    skeleton("after", after, colour("--after"));
    graph(before, after);
    at("slider").value = state.frame;
    at("when").textContent = `frame ${state.frame}, ${(state.frame / Number(at("fps").value)).toFixed(2)} s`;
  }

  let last = 0;
  function tick(now) {
    if (!state.playing) return;
    const step = Math.floor(((now - last) * Number(at("fps").value)) / 1000);
    if (step > 0 && state.refined) {
      last = now;
      state.frame = (state.frame + step) % state.files.people[state.person].T;
      show();
    }
    requestAnimationFrame(tick);
  }
  at("play").onclick = () => {
    state.playing = !state.playing;
    at("play").textContent = state.playing ? "Pause" : "Play";
    last = performance.now();
    requestAnimationFrame(tick);
  };
  at("slider").oninput = () => {
    state.frame = Number(at("slider").value);
    show();
  };
  for (const id of ["joint", "axis", "up"]) at(id).onchange = show;
  for (const id of ["fps", "strength"]) at(id).onchange = () => refine();
  addEventListener("resize", show);

  at("download").onclick = () => {
    const files = state.files.write(state.refined), link = document.createElement("a");
    const renamed = (name) => name.replace(/(\.[^.]*)?$/, "_refined$1");
    const blob = files.length > 1 ? Files.zip(files) : new Blob([files[0].text]);
    link.href = URL.createObjectURL(blob);
    link.download = files.length > 1 ? "refined.zip" : renamed(files[0].name);
    link.click();
    URL.revokeObjectURL(link.href);
  };

  // Files of a folder that was dropped, one level.
  async function dropped(items) {
    const entries = [...items].map((item) => item.webkitGetAsEntry()).filter(Boolean), out = [];
    const file = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));
    for (const entry of entries) {
      if (entry.isFile) out.push(await file(entry));
      else {
        const reader = entry.createReader();
        for (;;) {
          const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
          if (!some.length) break;
          for (const one of some) if (one.isFile) out.push(await file(one));
        }
      }
    }
    return out;
  }
  at("files").onchange = () => load(at("files").files);
  const drop = at("drop");
  addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  addEventListener("dragleave", () => drop.classList.remove("over"));
  addEventListener("drop", async (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    load(await dropped(event.dataTransfer.items));
  });

  // Somebody who waves, seen by a poor tracker.
  at("example").onclick = () => {
    const rest = [[0, -0.75], [0, -0.5], [0, 0], [-0.2, -0.5], [-0.4, -0.3], [-0.45, -0.05], [0.2, -0.5], [0.42, -0.62],
      [0.4, -0.95], [-0.12, 0.02], [-0.13, 0.42], [-0.14, 0.82], [0.12, 0.02], [0.13, 0.42], [0.14, 0.82]];
    let seed = 1;
    const random = () => ((seed = (seed * 16807) % 2147483647) / 2147483647) * 2 - 1;
    const noise = () => random() + random() + random();
    const slow = rest.map(() => [0, 0]);
    const poses = Array.from({ length: 180 }, (_, t) => rest.map(([x, y], j) => {
      const wave = [0, 0, 0, 0, 0, 0, 0, 0.05, 0.22][j] || 0;
      slow[j] = slow[j].map((v) => 0.8 * v + 0.003 * noise());
      const jump = j === 8 && t % 53 === 20 ? 0.3 : 0;
      return [x + wave * Math.sin(t / 5), y].map((v, d) => 200 * (v + slow[j][d] + 0.012 * noise() + jump) + 240);
    }));
    at("fps").value = 30;
    const bones = [[0, 1], [1, 2], [1, 3], [3, 4], [4, 5], [1, 6], [6, 7], [7, 8], [2, 9], [9, 10], [10, 11], [2, 12],
      [12, 13], [13, 14]];
    load([new File([JSON.stringify({ fps: 30, bones, poses })], "example.json")]);
  };

  window.steadyDemo = { load, state };
})();
