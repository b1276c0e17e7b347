"""`make demo`: the instructor's loop on a sample class of three, graded by nbgrader itself, in a temporary course.

1. Generates and releases lesson 01 into an exchange folder.
2. Three students fetch it, fill it in and submit: one complete sheet, one with typical mistakes, one untouched.
3. The instructor collects, autogrades, writes feedback and exports the marks.
4. Prints the points per exercise, and for each lost point what the student was told.
"""

import tempfile
import textwrap
from pathlib import Path

from tools.build import read_cells
from tools.course import Course, worked_answers
from tools.markup import exercise_of

ROOT = Path(__file__).parent.parent
ASSIGNMENT = "01_filters"

TYPICAL_MISTAKES = {
    "response": """
        def response(image, kernel, row, col):
            if row < 0 or col < 0 or row + kernel.shape[0] > image.shape[0] or col + kernel.shape[1] > image.shape[1]:
                raise ValueError("outside")
            total = 0
            for i in range(kernel.shape[0]):
                for j in range(kernel.shape[1]):
                    total += image[row + i, col + j] * kernel[-1 - i, -1 - j]
            return total
    """,
    "sobel_kernels": """
        def sobel_kernels():
            gx = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
            return gx, -gx.T
    """,
    "gaussian_kernel": """
        def gaussian_kernel(size, sigma):
            if size % 2 == 0:
                raise ValueError(f"size={size} is even")
            x = np.arange(size) - size // 2
            return np.exp(-(x[:, None] ** 2 + x**2) / (2 * sigma**2)) / (2 * np.pi * sigma**2)
    """,
    "gradient_magnitude": """
        def gradient_magnitude(image):
            gx = image[:-2, 2:] + 2 * image[1:-1, 2:] + image[2:, 2:] - image[:-2, :-2] - 2 * image[1:-1, :-2] - image[2:, :-2]
            gy = image[2:, :-2] + 2 * image[2:, 1:-1] + image[2:, 2:] - image[:-2, :-2] - 2 * image[:-2, 1:-1] - image[:-2, 2:]
            return np.hypot(gx, gy)
    """,
    "steer": """
        def steer(theta):
            gx = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
            return np.cos(theta) * gx - np.sin(theta) * gx.T
    """,
    "separate": """
        def separate(kernel):
            from scipy.linalg import svd
            u, s, v = svd(kernel)
            return u[:, 0] * s[0], v[0]
    """,
    "color_response": """
        def color_response(image, kernel):
            c, kh, kw = kernel.shape
            out = np.zeros((image.shape[1] - kh + 1, image.shape[2] - kw + 1))
            for k in range(c):
                for i in range(out.shape[0]):
                    for j in range(out.shape[1]):
                        out[i, j] = (image[k, i:i+kh, j:j+kw] * kernel[k]).sum()
            return out
    """,
    "filter_bank": """
        def filter_bank(image, kernels):
            print([color_response(image, kernel) for kernel in kernels])
    """,
    "why_zero_sum": "So that the filter does not change the brightness of the picture.",
}


def sample_class(root: Path) -> dict[str, dict[str, str]]:
    """Three answer sheets by the name of who hands them in."""
    mistaken = {name: textwrap.dedent(source).strip() for name, source in TYPICAL_MISTAKES.items()}
    return {"complete": worked_answers(root / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"), "mistaken": mistaken, "untouched": {}}


def run_loop(course: Course, sheets: dict[str, dict[str, str]]) -> None:
    """The whole loop, from the instructor's version to feedback and marks."""
    print(f"generate and release {ASSIGNMENT}", flush=True)
    course.release(ASSIGNMENT)
    for student, answers in sheets.items():
        print(f"{student}: fetch, fill in, submit", flush=True)
        course.hand_in(student, ASSIGNMENT, answers)
    print("collect, autograde, feedback, export", flush=True)
    course.collect(ASSIGNMENT)
    course.autograde(ASSIGNMENT)
    course.nbgrader("generate_feedback", ASSIGNMENT)
    course.nbgrader("export", "--to", "grades.csv")


def points_table(course: Course, students: list[str], root: Path) -> str:
    """Points per exercise and student, as text."""
    cells = read_cells(root, ASSIGNMENT, "exercises")
    exercises = [cell.name for cell in cells if cell.word in ("solution", "answer")]
    home = {cell.grade_id: exercise_of(cell, exercises) if cell.word == "test" else cell.name for cell in cells if cell.points}
    graded = {student: course.points(ASSIGNMENT, student) for student in students}
    lines = ["exercise".ljust(22) + "".join(student.rjust(12) for student in students)]
    sums = dict.fromkeys(students, (0.0, 0.0))
    for exercise in exercises:
        line = exercise.ljust(22)
        for student in students:
            mine = [points for cell, points in graded[student].items() if home[cell] == exercise]
            given, most = (sum(column) for column in zip(*mine, strict=True))
            sums[student] = sums[student][0] + given, sums[student][1] + most
            line += f"{given:g} / {most:g}".rjust(12)
        lines.append(line)
    return "\n".join([*lines, "all".ljust(22) + "".join("{:g} / {:g}".format(*sums[student]).rjust(12) for student in students)])


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="filterlab-demo-") as folder:
        course = Course(Path(folder), ROOT)
        sheets = sample_class(ROOT)
        run_loop(course, sheets)
        print("\n" + points_table(course, list(sheets), ROOT))
        print("(why_zero_sum is read by a person: formgrader shows it.)")
        for student in sheets:
            remarks = course.remarks(ASSIGNMENT, student)
            print(f"\n{student}: {len(remarks)} test cells failed" if remarks else f"\n{student}: every test passed")
            for remark in remarks:
                print(f"  {remark.cell}: {remark.sentence}" + (f"\n      hint: {remark.hint}" if remark.hint else ""))


if __name__ == "__main__":
    main()
