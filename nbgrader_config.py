import os

from nbgrader.converters import Autograde
from nbgrader.preprocessors import CheckCellMetadata, Execute

c = get_config()  # noqa: F821  (traitlets puts it there)

# The name under which the exchange folder and the gradebook know the course.
c.CourseDirectory.course_id = "filterlab"
# The course is where this file is, wherever nbgrader is started.
c.CourseDirectory.root = os.path.dirname(os.path.abspath(__file__))
# One line for a student to replace, whether indented or not.
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError  # your code here"}
c.ClearSolutions.text_stub = "*Your answer here.*"
# Whatever a student hands in is read as a sheet that can be graded, with every graded cell once and as it was released
# (filterlab/grading/repair.py). nbgrader's own steps before executing would find nothing left to do.
c.Autograde.exporter_class = "filterlab.grading.recording.Exporter"
c.Autograde.sanitize_preprocessors = []
# Seconds for one cell. nbgrader's 30 are short for an exercise that trains on a busy machine.
c.ExecutePreprocessor.timeout = 60
# Filterlab's grader (sandbox and examiner) in the place of nbgrader's; the other steps as nbgrader has them. Named by a string,
# so that the commands that do not grade need not import it.
c.Autograde.autograde_preprocessors = [
    "filterlab.grading.execute.Execute" if step is Execute else step
    for step in Autograde.autograde_preprocessors.default()
    if step is not CheckCellMetadata
]
# The seed of a run is kept in the graded notebook, so that the run can be repeated.
c.ClearMetadataPreprocessor.preserve_nb_metadata_mask = {("language_info", "name"), "kernelspec", "filterlab"}
# Feedback that teaches and that runs nothing of what a student has written, in the place of nbgrader's page.
c.GenerateFeedback.preprocessors = ["filterlab.grading.feedback.Grades"]
c.GenerateFeedback.exporter_class = "filterlab.grading.feedback.FeedbackPage"
# Formgrader shows sheets to somebody who may change marks: there, too, nothing of a student's may run.
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {"markdown2html": "filterlab.grading.defuse.markdown", "clean_html": "filterlab.grading.defuse.html"}
# No link in a submission is followed, not even to collect it.
c.ExchangeFactory.collect = "filterlab.grading.collecting.Collect"
# Where sheets are released and handed in. nbgrader's own default (/usr/local/share/nbgrader/exchange) needs an administrator.
if os.environ.get("FILTERLAB_EXCHANGE"):
    c.Exchange.root = os.environ["FILTERLAB_EXCHANGE"]
