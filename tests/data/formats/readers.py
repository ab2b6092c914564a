"""How other projects read their files, in our own words: plain pickle and NumPy, and no code of this project's."""

import pickle

import numpy as np


def pyskl(path, split):
    """PYSKL's pose data set: the annotations of a split, in the order of the file."""
    with open(path, "rb") as file:  # noqa: PTH123
        data = pickle.load(file)
    wanted = set(data["split"][split])
    return [item for item in data["annotations"] if item["frame_dir"] in wanted]


def ctrgcn(path, part):
    """CTR-GCN's feeder: [N, C, T, V, M] and labels."""
    npz = np.load(path)
    data, label = npz[f"x_{part}"], np.where(npz[f"y_{part}"] > 0)[1]
    return data.reshape(len(data), data.shape[1], 2, 25, 3).transpose(0, 4, 1, 3, 2), label


def agcn(folder, part):
    """2s-AGCN's feeder: memory-mapped [N, C, T, V, M], names and labels."""
    with open(f"{folder}/{part}_label.pkl", "rb") as file:  # noqa: PTH123
        names, labels = pickle.load(file, encoding="latin1")
    return np.load(f"{folder}/{part}_data_joint.npy", mmap_mode="r"), names, labels


def authors(path):
    """The readme of the data set authors' Python script."""
    return np.load(path, allow_pickle=True).item()


def agcn_preparation(joints):
    """2s-AGCN's preparation of one clip [T, M, V, C], joint by joint and frame by frame."""
    data = joints.astype(np.float64).copy()
    frames, actors, joint_count, _ = data.shape
    for m in range(actors):
        person = data[:, m].copy()
        if not person.any():
            continue
        if not person[0].any():
            kept = [frame.copy() for frame in person if frame.any()]
            person[:] = 0
            person[: len(kept)] = kept
        last = max(t for t in range(frames) if person[t].any()) + 1
        for t in range(last, frames):
            person[t] = person[t - last]
        data[:, m] = person
    centre = data[:, 0, 1].copy()
    for t in range(frames):
        for m in range(actors):
            for v in range(joint_count):
                if data[t, m, v].any():
                    data[t, m, v] -= centre[t]
    # its arguments: zaxis=[0, 1], from bottom to top; xaxis=[8, 4], from the left (4) to the right (8) shoulder
    for (start, end), axis in (((0, 1), [0, 0, 1]), ((4, 8), [1, 0, 0])):
        bone = data[0, 0, end] - data[0, 0, start]
        bone = bone / np.linalg.norm(bone)
        normal, cosine = np.cross(bone, axis), bone @ axis
        cross = np.array([[0, -normal[2], normal[1]], [normal[2], 0, -normal[0]], [-normal[1], normal[0], 0]])
        data = data @ (np.eye(3) + cross + cross @ cross / (1 + cosine)).T
    return data
