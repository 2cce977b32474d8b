"""jupyter_kernel_test, Jupyter's own suite for kernels, with our cells."""

import unittest

import jupyter_kernel_test


class KernelTests(jupyter_kernel_test.KernelTests):
    kernel_name = "convscope"
    language_name = "typescript"
    file_extension = ".ts"
    code_hello_world = "console.log('hello, world')"
    code_stderr = "console.error('error')"
    completion_samples = [
        {"text": "Math.ma", "matches": {"max"}},
        {"text": "JSON.stringi", "matches": {"stringify"}},
        {"text": "'text'.toUpperC", "matches": {"toUpperCase"}},
    ]
    complete_code_samples = ["1", "const a = 1;", "function f() { return 1 }", "`a\nb`", "// only a comment"]
    incomplete_code_samples = ["function f() {", "const a = [1,", "`a", "/* open", "f("]
    invalid_code_samples = ["const = 3", "import from 'a", ")", "let 1a = 2"]
    code_generate_error = "throw new Error('on purpose')"
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "'a' + 1", "result": "'a1'"},
        {"code": "[1, 2].map((x) => x + 1)", "result": "[ 2, 3 ]"},
    ]
    code_display_data = [
        {"code": "import { display } from 'tslab'; display.html('<b>x</b>')", "mime": "text/html"},
        {"code": "display.png(new Uint8Array([1, 2]))", "mime": "image/png"},
        {"code": "display.markdown('*x*')", "mime": "text/markdown"},
    ]
    code_history_pattern = "6 ?*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "Math.max"
    code_clear_output = "console.clear()"

    def test_pager(self):
        self.skipTest("cells have no pager: Shift-Tab shows what ? does elsewhere")


# what is inherited from is no suite of its own
del jupyter_kernel_test

if __name__ == "__main__":
    unittest.main()
