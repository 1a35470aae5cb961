"""What programs ask of, or tell, the libraries that PyTorch computes with; Curta computes by itself."""

from curta.backends import cpu, cuda, cudnn, mha, mkl, mkldnn, mps, openmp

__all__ = ["cpu", "cuda", "cudnn", "mha", "mkl", "mkldnn", "mps", "openmp"]
