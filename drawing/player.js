"use strict";
// The player of skeletons: clips, each in several versions. Without this script the page shows all else.

const player = document.getElementById("player");
if (player) start(JSON.parse(player.querySelector("#clips").textContent));

// Unpacks a clip when it is first shown.
async function unpack(one) {
  if (typeof one.packed === "string") {
    const found = await inflate(one.packed, one.frames);
    split(one, found);
    one.packed = false;
  }
  for (const arm of one.arms) {
    if (typeof arm.positions === "string") arm.positions = await inflate(arm.positions, one.frames);
  }
  return one;
}

// Per frame, the positions of each arm, all but the last less those of the last (modulo 2^16); then accelerations, in tenths.
function split(one, found) {
  const size = 3 * one.joints;
  const last = one.arms.length - 1;
  const columns = found.length / one.frames;
  one.arms.forEach((arm, at) => {
    arm.positions = new Int16Array(one.frames * size);
    arm.acceleration = [];
    for (let frame = 0; frame < one.frames; frame++) {
      const row = frame * columns;
      for (let i = 0; i < size; i++) {
        arm.positions[frame * size + i] = found[row + at * size + i] + (at < last ? found[row + last * size + i] : 0);
      }
      const tenths = found[row + (last + 1) * size + at];
      arm.acceleration.push(tenths === -32768 ? null : tenths / 10);
    }
  });
}

// Per coordinate, what it changes by from frame to frame; zigzag, all low bytes before all high ones, deflated.
async function inflate(text, frames) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const plain = new Uint8Array(await new Response(stream).arrayBuffer());
  const count = plain.length / 2;
  const tracks = count / frames;
  const found = new Int16Array(count);
  for (let track = 0; track < tracks; track++) {
    let value = 0;
    for (let frame = 0; frame < frames; frame++) {
      const at = track * frames + frame;
      const change = plain[at] | (plain[count + at] << 8);
      value = ((value + ((change >>> 1) ^ -(change & 1))) << 16) >> 16;
      found[frame * tracks + track] = value;
    }
  }
  return found;
}

function start(clips) {
  const find = (selector) => player.querySelector(selector);
  const [scene, curve] = [find(".scene"), find(".curve")];
  const [slider, button, now, chooser, speed] = [".frame", ".play", ".now", ".clip", ".speed"].map(find);
  const UNSEEN = -32768;
  let clip = null;
  let wanted = 0;
  let frame = 0;
  let playing = false;
  let turn = 0.5;
  let tilt = 0.12;
  let last = 0;
  let video = find("video");

  if (video) {
    const lost = () => {
      if (!video) return;
      video.remove();
      video = null;
      draw();
    };
    video.addEventListener("error", lost);
    video.addEventListener("loadedmetadata", () => show(frame));
    if (video.error || video.networkState === HTMLMediaElement.NETWORK_NO_SOURCE) lost();
  }
  if (chooser && !chooser.length) clips.forEach((one, at) => chooser.add(new Option(`${one.action} (${one.name})`, at)));
  if (chooser) chooser.addEventListener("change", () => choose(Number(chooser.value)));
  slider.addEventListener("input", () => show(Number(slider.value)));
  button.addEventListener("click", () => play(!playing));
  const turnBy = (dx, dy) => {
    turn += dx * 0.01;
    tilt = Math.max(-1.4, Math.min(1.4, tilt + dy * 0.01));
    draw();
  };
  drag(scene, turnBy);
  scene.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-15, 0], ArrowRight: [15, 0], ArrowUp: [0, -15], ArrowDown: [0, 15] }[event.key];
    if (!way) return;
    event.preventDefault();
    turnBy(...way);
  });
  const seek = (event) => {
    const box = curve.getBoundingClientRect();
    show(Math.round(((event.clientX - box.left) / box.width) * (clip.frames - 1)));
  };
  curve.addEventListener("pointerdown", seek);
  curve.addEventListener("pointermove", (event) => event.buttons && seek(event));
  new ResizeObserver(draw).observe(player);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  choose(0);

  async function choose(at) {
    wanted = at;
    const one = await unpack(clips[at]);
    if (wanted !== at) return; // another has been chosen since
    clip = one;
    slider.max = clip.frames - 1;
    if (find(".why")) find(".why").textContent = `${clip.action}, ${clip.name}${clip.why ? `: ${clip.why}` : ""}.`;
    scene.setAttribute("aria-label", `${clip.action || clip.name}: ${clip.arms.map((arm) => arm.label).join(", ")}, side by side`);
    show(0);
  }

  function show(to, following = false) {
    if (!clip) return;
    const every = clip.every || 1;
    frame = Math.max(0, Math.min(clip.frames - 1, to));
    slider.value = frame;
    now.textContent = `${clip.first + every * frame} of ${clip.first} to ${clip.first + every * (clip.frames - 1)}`;
    if (playable() && !following) video.currentTime = moment(frame) + 0.25 / clip.fps;
    draw();
  }

  function play(on) {
    playing = on;
    button.textContent = on ? "Pause" : "Play";
    button.setAttribute("aria-pressed", String(on));
    last = 0;
    if (playable()) {
      if (on) video.play();
      else video.pause();
    }
    if (on) requestAnimationFrame(step);
  }

  function playable() {
    return video && video.readyState > 0;
  }

  // When a frame is shown in the video.
  function moment(at) {
    return clip.times ? clip.times[at] : (clip.start || 0) + at / clip.fps;
  }

  function step(time) {
    if (!playing) return;
    if (playable()) {
      video.playbackRate = Number(speed.value);
      const now = video.currentTime;
      let at = clip.times ? clip.times.findIndex((one) => one > now) - 1 : Math.floor((now - (clip.start || 0)) * clip.fps);
      if (at === -2) at = clip.frames;
      if (at >= clip.frames || video.ended) {
        show(0);
        video.play();
      } else show(at, true);
      requestAnimationFrame(step);
      return;
    }
    last = last || time;
    const passed = Math.floor(((time - last) / 1000) * clip.fps * Number(speed.value));
    if (passed > 0) {
      last += (passed * 1000) / (clip.fps * Number(speed.value));
      show((frame + passed) % clip.frames);
    }
    requestAnimationFrame(step);
  }

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }

  function clear(canvas) {
    const box = canvas.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.max(1, Math.round(box.width * ratio));
    canvas.height = Math.max(1, Math.round(box.height * ratio));
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.font = "13px system-ui, sans-serif";
    return [pen, box.width, box.height];
  }

  function draw() {
    if (!clip) return;
    drawScene();
    drawCurve();
  }

  function drawScene() {
    const [pen, width, height] = clear(scene);
    const over = playable();
    const place = clip.flat ? flat(width, height, over) : inSpace(width, height);
    clip.arms.forEach((arm, at) => {
      const points = [];
      for (let joint = 0; joint < clip.joints; joint++) points.push(place(arm.positions, joint, at));
      pen.strokeStyle = pen.fillStyle = colour(over ? `video-${at ? "refined" : "raw"}` : arm.colour);
      pen.shadowColor = over ? "black" : "transparent"; // to be seen on any picture
      pen.shadowBlur = 3;
      pen.lineWidth = over && !at ? 1.4 : 2.2;
      pen.lineCap = "round";
      for (const [joint, parent] of clip.bones) {
        if (!points[joint] || !points[parent]) continue;
        pen.beginPath();
        pen.moveTo(...points[joint]);
        pen.lineTo(...points[parent]);
        pen.stroke();
      }
      for (const point of points) {
        if (!point) continue;
        pen.beginPath();
        pen.arc(...point, clip.joints > (clip.bones.length ? 60 : 200) ? 1.6 : 2.6, 0, 2 * Math.PI);
        pen.fill();
      }
      const share = width / clip.arms.length;
      const [x, y, wide] = over ? [share * (at + 0.5), 16, share] : label(at, width, height);
      pen.textAlign = "center";
      pen.fillText(arm.label, x, y, wide - 8);
    });
  }

  // Positions in space, turned, each version beside the other.
  function inSpace(width, height) {
    const wide = width / clip.arms.length;
    const scale = Math.min(wide, height - 28) / (2.1 * radius());
    return (positions, joint, at) => {
      const place = 3 * (frame * clip.joints + joint);
      const [x, y, z] = positions.subarray(place, place + 3);
      if (x === UNSEEN) return null;
      const across = x * Math.cos(turn) + z * Math.sin(turn);
      const away = z * Math.cos(turn) - x * Math.sin(turn);
      const up = y * Math.cos(tilt) - away * Math.sin(tilt);
      return [wide * (at + 0.5) + scale * across, (height + 20) / 2 - scale * up];
    };
  }

  // Positions in an image: each version beside or below the other, or all of them over the video.
  function flat(width, height, over) {
    const [columns, rows] = grid(width, height);
    const [wide, high] = [width / columns, height / rows];
    const [across, down] = clip.box;
    const scale = over ? (clip.step * width) / video.videoWidth : Math.min((wide - 12) / across, (high - 34) / down);
    return (positions, joint, at) => {
      const place = 2 * (frame * clip.joints + joint);
      const [x, y] = positions.subarray(place, place + 2);
      if (x === UNSEEN) return null;
      if (over) return [scale * (x + clip.origin[0] / clip.step), scale * (y + clip.origin[1] / clip.step)];
      const [left, top] = [wide * (at % columns), high * Math.floor(at / columns)];
      return [left + wide / 2 + scale * (x - across / 2), top + (high + 20) / 2 + scale * (y - down / 2)];
    };
  }

  function grid(width, height) {
    if (!clip.flat) return [clip.arms.length, 1];
    const fit = (columns, rows) => Math.min(width / columns / clip.box[0], (height / rows - 34) / clip.box[1]);
    const count = clip.arms.length;
    return fit(count, 1) >= fit(1, count) ? [count, 1] : [1, count];
  }

  function label(at, width, height) {
    const [columns, rows] = grid(width, height);
    return [(width / columns) * ((at % columns) + 0.5), (height / rows) * Math.floor(at / columns) + 16, width / columns];
  }

  function radius() {
    if (clip.radius) return clip.radius;
    const sizes = [];
    const place = clip.arms[0].positions;
    for (let at = 0; at < place.length; at += 3) {
      if (place[at] !== UNSEEN) sizes.push(Math.hypot(place[at], place[at + 1], place[at + 2]));
    }
    sizes.sort((a, b) => a - b);
    clip.radius = Math.max(100, sizes[Math.floor(0.99 * (sizes.length - 1))] || 0);
    return clip.radius;
  }

  function drawCurve() {
    const [pen, width, height] = clear(curve);
    const most = Math.max(1, ...clip.arms.flatMap((arm) => arm.acceleration.map((value) => value || 0)));
    const across = (at) => (at / Math.max(1, clip.frames - 1)) * width;
    const down = (value) => height - 4 - (value / most) * (height - 22);
    pen.strokeStyle = colour("grid");
    pen.beginPath();
    pen.moveTo(0, height - 4);
    pen.lineTo(width, height - 4);
    pen.stroke();
    pen.fillStyle = colour("muted");
    pen.textAlign = "left";
    pen.fillText(`${most.toFixed(1)} ${clip.unit}`, 2, 12);
    clip.arms.forEach((arm, at) => {
      pen.strokeStyle = colour(arm.colour);
      pen.lineWidth = 1.6;
      pen.setLineDash([[], [7, 3], [2, 2]][at % 3]);
      pen.beginPath();
      let drawn = false;
      arm.acceleration.forEach((value, frame) => {
        if (value === null) drawn = false;
        else if (drawn) pen.lineTo(across(frame), down(value));
        else pen.moveTo(across(frame), down(value));
        drawn = value !== null;
      });
      pen.stroke();
    });
    pen.setLineDash([]);
    pen.strokeStyle = colour("ink");
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(across(frame), 0);
    pen.lineTo(across(frame), height);
    pen.stroke();
    const values = clip.arms.map((arm) => arm.acceleration[frame]);
    const said = clip.arms.map((arm, at) => `${arm.label} ${values[at] === null ? "–" : values[at].toFixed(1)}`);
    curve.setAttribute("aria-label", `Acceleration in frame ${clip.first + (clip.every || 1) * frame}, ${clip.unit}: ${said.join(", ")}`);
  }

  function drag(canvas, moved) {
    canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
    canvas.addEventListener("pointermove", (event) => event.buttons && moved(event.movementX, event.movementY));
  }
}
