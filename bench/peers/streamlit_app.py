"""The same form in Streamlit."""

import os

import numpy as np
import onnxruntime
import streamlit as st

SPECIES = ("setosa", "versicolor", "virginica")
FORM = (("Sepal length", 5.8), ("Sepal width", 3.0), ("Petal length", 4.3), ("Petal width", 1.3))


@st.cache_resource
def session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(os.environ["IRIS_MODEL"], options, providers=["CPUExecutionProvider"])


st.title("Flowers")
with st.form("flowers"):
    row = [st.slider(f"{label} (cm)", 0.0, 10.0, value, 0.1) for label, value in FORM]
    asked = st.form_submit_button("Ask")
if asked:
    (scores,) = session().run(None, {"x": np.asarray([row], dtype=np.float32)})[0]
    for name, score in zip(SPECIES, scores, strict=True):
        st.write(f"{name}: {float(score):.3f}")
