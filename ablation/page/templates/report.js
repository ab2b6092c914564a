"use strict";
// Tables sort and filter, the player plays. Without this script the page shows everything else all the same.

for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  if (body.rows.length < 2) continue;
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...body.rows].map((row) => [key(row.cells[column]), row]);
      const order = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
      // what has no value stays last either way
      rows.sort(([a], [b]) => (a === null) - (b === null) || (a === null ? 0 : up ? order(a, b) : order(b, a)));
      body.append(...rows.map(([, row]) => row));
    });
  });
  if (body.rows.length > 12) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    label.className = "filter";
    input.type = "search";
    label.append("show rows with", input);
    table.parentElement.before(label);
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of body.rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
    });
  }
}

function key(cell) {
  if (cell.dataset.key === undefined) return cell.textContent.trim();
  return cell.dataset.key === "" ? null : Number(cell.dataset.key);
}

const player = document.getElementById("player");
if (player) {
  const find = (selector) => player.querySelector(selector);
  const clips = JSON.parse(find("#clips").textContent).map(unpack);
  const [scene, curve] = [find(".scene"), find(".curve")];
  const [slider, button, now, chooser, speed] = [".frame", ".play", ".now", ".clip", ".speed"].map(find);
  const UNSEEN = -32768;
  let clip = clips[0];
  let frame = 0;
  let playing = false;
  let turn = 0.5;
  let tilt = 0.12;
  let last = 0;

  clips.forEach((one, at) => chooser.add(new Option(`${one.action} (${one.name})`, at)));
  chooser.addEventListener("change", () => choose(Number(chooser.value)));
  slider.addEventListener("input", () => show(Number(slider.value)));
  button.addEventListener("click", () => play(!playing));
  drag(scene, (dx, dy) => {
    turn += dx * 0.01;
    tilt = Math.max(-1.4, Math.min(1.4, tilt + dy * 0.01));
    draw();
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

  function unpack(one) {
    for (const arm of one.arms) {
      const bytes = Uint8Array.from(atob(arm.positions), (letter) => letter.charCodeAt(0));
      arm.positions = new Int16Array(bytes.buffer);
    }
    return one;
  }

  function choose(at) {
    clip = clips[at];
    slider.max = clip.frames - 1;
    find(".why").textContent = `${clip.action}, ${clip.name}: ${clip.why}.`;
    scene.setAttribute("aria-label", `${clip.action}: ${clip.arms.map((arm) => arm.label).join(", ")}, side by side`);
    show(0);
  }

  function show(to) {
    frame = Math.max(0, Math.min(clip.frames - 1, to));
    slider.value = frame;
    now.textContent = `${clip.first + frame} of ${clip.first} to ${clip.first + clip.frames - 1}`;
    draw();
  }

  function play(on) {
    playing = on;
    button.textContent = on ? "Pause" : "Play";
    button.setAttribute("aria-pressed", String(on));
    last = 0;
    if (on) requestAnimationFrame(step);
  }

  function step(time) {
    if (!playing) return;
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
    drawScene();
    drawCurve();
  }

  function drawScene() {
    const [pen, width, height] = clear(scene);
    const wide = width / clip.arms.length;
    clip.arms.forEach((arm, at) => {
      const size = radius();
      const scale = Math.min(wide, height - 28) / (2.1 * size);
      const points = [];
      for (let joint = 0; joint < clip.joints; joint++) {
        const place = 3 * (frame * clip.joints + joint);
        const [x, y, z] = arm.positions.subarray(place, place + 3);
        if (x === UNSEEN) {
          points.push(null);
          continue;
        }
        const across = x * Math.cos(turn) + z * Math.sin(turn);
        const away = z * Math.cos(turn) - x * Math.sin(turn);
        const up = y * Math.cos(tilt) - away * Math.sin(tilt);
        points.push([wide * (at + 0.5) + scale * across, (height + 20) / 2 - scale * up]);
      }
      pen.strokeStyle = pen.fillStyle = colour(arm.colour);
      pen.lineWidth = 2.2;
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
        pen.arc(...point, 2.6, 0, 2 * Math.PI);
        pen.fill();
      }
      pen.textAlign = "center";
      pen.fillText(arm.label, wide * (at + 0.5), 16, wide - 8);
    });
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
    for (const arm of clip.arms) {
      pen.strokeStyle = colour(arm.colour);
      pen.lineWidth = 1.6;
      pen.beginPath();
      let drawn = false;
      arm.acceleration.forEach((value, at) => {
        if (value === null) drawn = false;
        else if (drawn) pen.lineTo(across(at), down(value));
        else pen.moveTo(across(at), down(value));
        drawn = value !== null;
      });
      pen.stroke();
    }
    pen.strokeStyle = colour("ink");
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(across(frame), 0);
    pen.lineTo(across(frame), height);
    pen.stroke();
    const values = clip.arms.map((arm) => arm.acceleration[frame]);
    const said = clip.arms.map((arm, at) => `${arm.label} ${values[at] === null ? "–" : values[at].toFixed(1)}`);
    curve.setAttribute("aria-label", `Acceleration in frame ${clip.first + frame}, ${clip.unit}: ${said.join(", ")}`);
  }

  function drag(canvas, moved) {
    canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
    canvas.addEventListener("pointermove", (event) => event.buttons && moved(event.movementX, event.movementY));
  }
}
