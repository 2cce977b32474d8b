"""Sphinx, as `npm run site` uses it. Everything that the pages need lies beside them: no address outside is asked."""

import json
import os
import pathlib
from html import escape

from docutils.nodes import SkipNode, math_block
from sphinx.search.zh import SearchChinese

root = pathlib.Path(os.environ["CONVSCOPE_ROOT"])
package = json.loads((root / "package.json").read_text(encoding="utf-8"))

project = "看懂卷积网络"
author = "convscope"
version = release = package["version"]
copyright = ""
language = "zh_CN"
# the texts have their Chinese quotation marks; straight ones belong to code
smartquotes = False
locale_dirs = [os.environ["CONVSCOPE_LOCALES"]]
extensions = ["myst_nb"]
root_doc = "index"
exclude_patterns = ["_static", "data"]

nb_execution_mode = "off"
nb_merge_streams = True
nb_code_prompt_show = "展开代码"
nb_code_prompt_hide = "收起代码"
myst_enable_extensions = ["dollarmath", "deflist"]
myst_dmath_double_inline = True
myst_heading_anchors = 3
# the notebooks number their sections themselves, and their cells are TypeScript without a language mark
suppress_warnings = ["myst.header", "misc.highlighting_failure"]
pygments_style = "default"

html_theme = "sphinx_book_theme"
html_title = "看懂卷积网络"
html_static_path = [str(pathlib.Path(os.environ["CONVSCOPE_SOURCE"]) / "_static")]
html_css_files = ["katex/katex.min.css", "convscope.css"]
html_js_files = [("figures.js", {"defer": "defer"})]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_use_index = False
html_domain_indices = False
html_search_language = "zh"
# summaries would be read from the pages, which a browser forbids to a page opened from a folder
html_show_search_summary = False
html_math_renderer = "tex"
html_context = {"default_mode": "light"}
html_theme_options = {
    "search_bar_text": "搜索课程",
    "toc_title": "本页内容",
    "show_toc_level": 2,
    "home_page_in_toc": True,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "article_header_end": ["search-button", "toggle-secondary-sidebar"],
    "footer_content_items": ["footer-licence"],
}
# below the contents: the reference of the library, which TypeDoc writes (functions.mjs)
html_sidebars = {
    "**": ["navbar-logo.html", "icon-links.html", "search-button-field.html", "sbt-sidebar-nav.html", "functions-link.html"]
}
templates_path = [str(root / "scripts" / "site" / "templates")]


class SearchCourse(SearchChinese):
    """The words of the index come from jieba. What the reader types is cut into the longest of these words:
    Sphinx's own page would take a run of Chinese characters for one word and find nothing. Single characters are
    not in the index and are passed over."""

    js_splitter_code = """
function splitQuery(query) {
  const known = (word) => Object.hasOwn(Search._index.terms, word) || Object.hasOwn(Search._index.titleterms, word);
  const words = [];
  for (const run of query.match(/[\\u3400-\\u9fff]+|[^\\s\\u3400-\\u9fff\\p{P}\\p{S}]+/gu) || []) {
    if (!/^[\\u3400-\\u9fff]/.test(run)) { words.push(run); continue; }
    for (let at = 0; at < run.length; ) {
      let end = run.length;
      while (end > at + 1 && !known(run.slice(at, end))) end--;
      if (end > at + 1) words.push(run.slice(at, end));
      at = end;
    }
  }
  return words;
}
"""


def visit_tex(self, node):
    """Formulas stay TeX here; finish.mjs sets them with KaTeX, so that a page needs no script for them."""
    tag, kind = ("div", "display") if isinstance(node, math_block) else ("span", "inline")
    self.body.append(f'<{tag} class="cs-tex" data-kind="{kind}">{escape(node.astext())}</{tag}>')
    raise SkipNode


def setup(app):
    app.add_search_language(SearchCourse)
    app.add_html_math_renderer("tex", (visit_tex, None), (visit_tex, None))
