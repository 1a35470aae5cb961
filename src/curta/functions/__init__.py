"""Every public function over tensors, under PyTorch's names; one family a file."""
