# %% [markdown]
# # Start here
#
# A convolutional network is made of **filters**: small grids of numbers that look for patterns in pictures. In this course you
# build them by hand, slide them, let a computer find them, and look inside networks that found theirs by themselves.
#
# You learn by doing. Every lesson has a **lecture** with pictures and sliders, and **exercises** that check themselves and tell you
# *what* went wrong, not only that something did.
#
# **You need** Python and NumPy arrays (indexing, slicing, shapes). Lesson 03 asks what a derivative is, lessons 04 to 06 use PyTorch and
# show what they need of it. No GPU: everything runs on an ordinary laptop.
#
# ## Map of the course
#
# | lesson | question | you need | lecture + exercises |
# |---|---|---|---|
# | [01 · What a filter is](01_filters.ipynb) | What can nine numbers see? | Python, NumPy | 40 + 50 minutes |
# | [02 · How a filter works](02_sliding_window.ipynb) | What happens while the window slides? | 01 | 45 + 90 minutes |
# | [03 · How filters are learned](03_learning_filters.ipynb) | Who chooses the numbers? | 02, derivatives | 55 + 95 minutes |
# | [04 · Filters in PyTorch](04_filters_in_pytorch.ipynb) | How do I look inside a trained network? | 03 | 45 + 90 minutes |
# | [05 · What the filters see](05_visualizing_filters.ipynb) | What makes a deep filter answer? | 04 | 60 + 100 minutes |
# | [06 · Put it together](06_capstone.ipynb) | Can I design, repair and shrink a network? | all | 30 + 120 minutes |
#
# Each lesson builds on those before it. If you know what a convolution is, begin with the exercises of lesson 02: where they go
# smoothly, go on; where they do not, its lecture is the place. A word you do not know? The [glossary](glossary.ipynb) says what it means
# and where it was explained.
#
# ## Your own copy of the exercises
#
# Run this cell (Shift + Enter). It lays a copy into the folder `work/`, which is yours: no update and no build ever touches it.
# Running it again changes nothing that you have written.

# %%
from filterlab import desk

desk.lay_out()

# %% [markdown]
# ## How an exercise works
#
# 1. Read what the function must do. Its first lines name the shapes that go in and come out.
# 2. Replace `raise NotImplementedError` by your answer, and run the cell.
# 3. Run the **test cells** below it, from easy to hard. Silence means passed. Otherwise you read what was expected, what your
#    function gave, and, for the usual mistakes, a hint that names yours.
# 4. Stuck? Open **Hint**. Still stuck after a quarter of an hour? The worked answers are in the folder `solutions/`; read one,
#    close it, and write your own.
#
# **How checking works.** A check calls your function with small pictures and filters, and compares what it gives with a reference; the
# way you get there is yours. If the result is that of a well-known mistake, you are told which. Points are printed beside each
# heading. Test cells go from easy to hard, and each gives its own points: what works already counts.
#
# A hidden test or two may be added when your work is graded. They ask the same as the text does, with other numbers.
#
# **Written answers** (`why_…`) and the project of lesson 06 are read by a person. If you learn alone, compare yours with `solutions/`.
#
# ## How a lecture works
#
# Open [lesson 01](01_filters.ipynb) and run its cells from top to bottom. Where it says **Predict**, say your answer aloud first:
# being wrong before you look is how the right answer stays. The mark ✎ names the exercise that you can now do; the lecture and the
# exercises side by side in two tabs work well.
#
# ## If something goes wrong
#
# - *Everything behaves oddly*: menu **Kernel → Restart Kernel**, then run the cells again from the top.
# - *I want to begin an exercise sheet anew*: close it, then run `desk.start_over("01_filters")` in a cell here. Your old copy is
#   put aside, never deleted.
# - *No module named filterlab*: JupyterLab was started outside the course's environment. Start it with `make lab`, or as the README
#   says.
