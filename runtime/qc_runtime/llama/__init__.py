"""The batched llama.cpp engine; the only place that touches llama-cpp-python."""
