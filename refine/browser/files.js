// Keypoint files of other tools: what is in them, and the same with other coordinates.
// `Files.read([{name, text}])` returns {format, fps, people: [{name, T, J, D, poses, confidence}], write(refined)}.
"use strict";
const Files = (() => {
  class Refused extends Error {}
  const number = (v) => (v === null || v === "" || v === undefined ? NaN : Number(v));

  // Build people from observations: rows of {frame, person, joints: [[x, y(, z)]], scores}; `set` writes one back.
  function people(rows, frames, D) {
    const byName = new Map();
    for (const row of rows) {
      if (!byName.has(row.person)) byName.set(row.person, []);
      byName.get(row.person).push(row);
    }
    return [...byName].map(([name, own]) => {
      const J = own[0].joints.length, poses = new Float64Array(frames * J * D).fill(NaN);
      const confidence = new Float64Array(frames * J);
      if (!J) throw new Refused(`no joints of person ${name}`);
      const scored = own.some((row) => row.scores);
      for (const row of own) {
        if (row.joints.length !== J) throw new Refused(`${J} joints, then ${row.joints.length}, of person ${name}`);
        row.joints.forEach((joint, j) => {
          for (let d = 0; d < D; d++) poses[(row.frame * J + j) * D + d] = joint[d];
          confidence[row.frame * J + j] = row.scores ? row.scores[j] : 1;
        });
      }
      return { name: String(name), T: frames, J, D, poses, confidence: scored ? confidence : null, rows: own };
    });
  }
  const joint = (person, refined, row, j, d) => {
    const v = refined[(row.frame * person.J + j) * person.D + d];
    return Number.isFinite(v) ? v : null;
  };
  // Every second or third number of x, y, c, x, y, c ... as joints and scores; 0, 0, 0 is missing.
  function triples(flat) {
    const joints = [], scores = [];
    for (let n = 0; n + 2 < flat.length; n += 3) {
      const missing = !(flat[n + 2] > 0);
      joints.push(missing ? [NaN, NaN] : [number(flat[n]), number(flat[n + 1])]);
      scores.push(missing ? 0 : Math.min(number(flat[n + 2]), 1));
    }
    return { joints, scores };
  }
  function putTriples(flat, person, refined, row) {
    for (let j = 0; j < person.J; j++)
      for (let d = 0; d < 2; d++) {
        const v = joint(person, refined, row, j, d);
        if (v !== null && row.scores[j] > 0) flat[3 * j + d] = v;
      }
  }
  const all = (list, refined, put) => list.forEach((one, n) => one.rows.forEach((row) => put(one, refined[n], row)));

  function openpose(files, parsed) {
    const order = files.map((_, n) => n).sort((a, b) => files[a].name.localeCompare(files[b].name, "en", { numeric: true }));
    const rows = [];
    order.forEach((at, frame) =>
      parsed[at].people.forEach((one, n) => {
        const id = Array.isArray(one.person_id) ? one.person_id[0] : one.person_id;
        if (!Array.isArray(one.pose_keypoints_2d) || !one.pose_keypoints_2d.length) return;
        rows.push({ frame, person: id >= 0 ? id : n, ...triples(one.pose_keypoints_2d), into: one.pose_keypoints_2d });
      }));
    const list = people(rows, files.length, 2);
    return {
      format: "OpenPose JSON", fps: null, people: list,
      write(refined) {
        all(list, refined, (person, out, row) => putTriples(row.into, person, out, row));
        return files.map((file, n) => ({ name: file.name, text: JSON.stringify(parsed[n]) }));
      },
    };
  }

  function coco(file, parsed, entries) {
    const ids = [...new Set(entries.map((one) => one.image_id))];
    ids.sort((a, b) => String(a).localeCompare(String(b), "en", { numeric: true }));
    const seen = new Map(), place = new Map(ids.map((id, n) => [id, n]));
    const rows = entries.filter((one) => Array.isArray(one.keypoints)).map((one) => {
      const frame = place.get(one.image_id), n = seen.get(frame) || 0;
      seen.set(frame, n + 1);
      return { frame, person: one.idx ?? one.track_id ?? n, ...triples(one.keypoints), into: one.keypoints };
    });
    const list = people(rows, ids.length, 2);
    return {
      format: "COCO results", fps: null, people: list,
      write(refined) {
        all(list, refined, (person, out, row) => putTriples(row.into, person, out, row));
        return [{ name: file.name, text: JSON.stringify(parsed) }];
      },
    };
  }

  function mmpose(file, parsed, frames) {
    const rows = [];
    frames.forEach((frame, number) =>
      (frame.instances || []).forEach((one, n) =>
        rows.push({
          frame: number, person: one.track_id ?? n, into: one.keypoints,
          joints: one.keypoints.map((p) => p.map(number_)), scores: one.keypoint_scores || null,
        })));
    if (!rows.length) throw new Refused("nobody in it");
    const list = people(rows, frames.length, rows[0].joints[0].length);
    return {
      format: "MMPose predictions", fps: null, people: list,
      write(refined) {
        all(list, refined, (person, out, row) => row.into.forEach((p, j) => put(p, person, out, row, j)));
        return [{ name: file.name, text: JSON.stringify(parsed) }];
      },
    };
  }
  const number_ = (v) => number(v);
  function put(point, person, refined, row, j) {
    for (let d = 0; d < person.D; d++) {
      const v = joint(person, refined, row, j, d);
      if (v !== null) point[d] = v;
    }
  }

  function arrays(file, parsed, poses, confidence, fps) {
    const D = poses[0][0].length;
    if (D !== 2 && D !== 3) throw new Refused(`${D} numbers per joint, expected 2 or 3`);
    const rows = poses.map((joints, frame) => {
      if (!Array.isArray(joints) || joints.some((p) => !Array.isArray(p) || p.length !== D))
        throw new Refused(`frame ${frame}: not joints of ${D} numbers each`);
      return {
        frame, person: 0, into: joints, joints: joints.map((p) => p.map(number_)),
        scores: confidence ? confidence[frame].map(number_) : null,
      };
    });
    const list = people(rows, poses.length, D);
    return {
      format: "arrays [frame][joint][axis]", fps, bones: parsed.bones, people: list,
      write(refined) {
        all(list, refined, (person, out, row) => row.into.forEach((p, j) => put(p, person, out, row, j)));
        return [{ name: file.name, text: JSON.stringify(parsed) }];
      },
    };
  }

  // A row per frame; columns such as nose_x, nose_y, nose_z, nose_visibility, or x0, y0, v0.
  function csv(file) {
    const ends = file.text.includes("\r\n") ? "\r\n" : "\n", lines = file.text.split(/\r?\n/);
    const comma = [",", ";", "\t"].find((one) => lines[0].includes(one)) || ",";
    const head = lines[0].split(comma).map((one) => one.trim().replace(/^"|"$/g, ""));
    const found = new Map();
    head.forEach((title, column) => {
      const named = title.match(/^(.*?)[._ -]?(x|y|z|visibility|confidence|score|likelihood|conf|vis)$/i);
      const numbered = title.match(/^(x|y|z|v|c|s)_?(\d+)$/i);
      const [name, part] = numbered ? [numbered[2], numbered[1]] : named ? [named[1], named[2]] : [];
      if (!part || (!numbered && !name)) return;
      const what = "xyz".includes(part.toLowerCase()) ? part.toLowerCase() : "score";
      if (!found.has(name)) found.set(name, {});
      found.get(name)[what] = column;
    });
    const joints = [...found].filter(([, at]) => at.x !== undefined && at.y !== undefined).map(([, at]) => at);
    if (!joints.length) throw new Refused("no columns such as nose_x, nose_y, or x0, y0");
    const axes = joints.every((at) => at.z !== undefined) ? ["x", "y", "z"] : ["x", "y"];
    const cells = lines.slice(1).map((line) => line.split(comma));
    while (cells.length && cells[cells.length - 1].join("") === "") cells.pop();
    const rows = cells.map((row, frame) => ({
      frame, person: 0, into: row,
      joints: joints.map((at) => axes.map((axis) => number((row[at[axis]] || "").trim()))),
      scores: joints.every((at) => at.score !== undefined) ? joints.map((at) => Math.min(number(row[at.score]) || 0, 1)) : null,
    }));
    const list = people(rows, rows.length, axes.length);
    return {
      format: "csv", fps: null, people: list,
      write(refined) {
        all(list, refined, (person, out, row) =>
          joints.forEach((at, j) => axes.forEach((axis, d) => {
            const v = joint(person, out, row, j, d);
            if (v !== null) row.into[at[axis]] = String(v);
          })));
        return [{ name: file.name, text: [lines[0], ...cells.map((row) => row.join(comma)), ""].join(ends) }];
      },
    };
  }

  function read(files) {
    if (!files.length) throw new Refused("no file");
    if (/\.(csv|tsv|txt)$/i.test(files[0].name)) return csv(files[0]);
    const parsed = files.map((file) => {
      try {
        return JSON.parse(file.text.replace(/\bNaN\b/g, "null"));
      } catch {
        throw new Refused(`${file.name}: neither JSON nor csv`);
      }
    });
    const [file] = files, [one] = parsed;
    if (parsed.every((each) => each && Array.isArray(each.people))) return openpose(files, parsed);
    if (files.length > 1) throw new Refused("several files are read as the frames of OpenPose only");
    if (one && Array.isArray(one.instance_info)) return mmpose(file, one, one.instance_info);
    if (Array.isArray(one) && one[0] && Array.isArray(one[0].instances)) return mmpose(file, one, one);
    if (Array.isArray(one) && one[0] && one[0].image_id !== undefined) return coco(file, one, one);
    if (one && Array.isArray(one.annotations)) return coco(file, one, one.annotations);
    const poses = Array.isArray(one) ? one : one && (one.poses || one.keypoints);
    if (Array.isArray(poses) && poses[0] && Array.isArray(poses[0][0]) && !Array.isArray(poses[0][0][0]))
      return arrays(file, one, poses, (one && one.confidence) || null, (one && Number(one.fps)) || null);
    throw new Refused(`${file.name}: JSON of no kind that is known here`);
  }

  // A zip of texts, not compressed.
  function zip(files) {
    const encoder = new TextEncoder(), parts = [], directory = [];
    let offset = 0;
    const table = Array.from({ length: 256 }, (_, n) => {
      for (let k = 0; k < 8; k++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
      return n >>> 0;
    });
    for (const file of files) {
      const name = encoder.encode(file.name), data = encoder.encode(file.text);
      let sum = 0xffffffff;
      for (const byte of data) sum = table[(sum ^ byte) & 255] ^ (sum >>> 8);
      const common = [20, 0x800, 0, 0, 0x21];
      const fill = (size, values) => {
        const view = new DataView(new ArrayBuffer(size));
        values.forEach(([at, bytes, v]) => (bytes === 2 ? view.setUint16(at, v, true) : view.setUint32(at, v, true)));
        return new Uint8Array(view.buffer);
      };
      const body = (at) => [
        ...common.map((v, n) => [at + 2 * n, 2, v]), [at + 10, 4, (sum ^ 0xffffffff) >>> 0], [at + 14, 4, data.length],
        [at + 18, 4, data.length], [at + 22, 2, name.length],
      ];
      parts.push(fill(30, [[0, 4, 0x04034b50], ...body(4)]), name, data);
      directory.push(fill(46, [[0, 4, 0x02014b50], [4, 2, 20], ...body(6), [42, 4, offset]]), name);
      offset += 30 + name.length + data.length;
    }
    const length = directory.reduce((sum, part) => sum + part.length, 0), end = new DataView(new ArrayBuffer(22));
    [[0, 0x06054b50], [12, length], [16, offset]].forEach(([at, v]) => end.setUint32(at, v, true));
    [8, 10].forEach((at) => end.setUint16(at, files.length, true));
    return new Blob([...parts, ...directory, new Uint8Array(end.buffer)], { type: "application/zip" });
  }

  return { read, zip, Refused };
})();
