import torch

from recognition.message_passing import WeighedSum


def test_what_reaches_a_node_is_summed_by_the_weights_of_the_edges():
    x = torch.tensor([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]])
    edges = torch.tensor([[0, 1, 2, 2], [0, 0, 0, 3]])
    found = WeighedSum()(x, edges, torch.tensor([1.0, 2.0, 3.0, 0.5]), 4)
    assert found.tolist() == [[321.0, 642.0], [0.0, 0.0], [0.0, 0.0], [50.0, 100.0]]
