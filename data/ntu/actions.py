"""The actions of NTU RGB+D 60 (Shahroudy et al., CVPR 2016)."""

ACTIONS = (
    "drink water", "eat meal", "brush teeth", "brush hair", "drop", "pick up", "throw", "sit down", "stand up",
    "clapping", "reading", "writing", "tear up paper", "put on jacket", "take off jacket", "put on a shoe",
    "take off a shoe", "put on glasses", "take off glasses", "put on a hat", "take off a hat", "cheer up",
    "hand waving", "kicking something", "reach into pocket", "hopping", "jump up", "phone call", "play with phone",
    "type on a keyboard", "point to something", "take a selfie", "check time on a watch", "rub two hands",
    "nod head or bow", "shake head", "wipe face", "salute", "put palms together", "cross hands in front",
    "sneeze or cough", "staggering", "falling down", "headache", "chest pain", "back pain", "neck pain",
    "nausea or vomiting", "fan self", "punch or slap", "kicking", "pushing", "pat on back", "point finger", "hugging",
    "giving object", "touch pocket", "shaking hands", "walking towards", "walking apart",
)  # fmt: skip
"""Names of A001 to A060, in order."""

TWO_PERSON = range(50, 61)
"""The actions (1-based) that two people perform together."""
