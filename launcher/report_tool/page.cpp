#include "launcher/report_tool/page.h"

#include "framework/base/text.h"
#include "launcher/report_tool/charts.h"
#include "launcher/report_tool/html.h"
#include "launcher/report_tool/page_files.h"
#include "launcher/report_tool/tables.h"

namespace d2l::report_tool {
namespace {

constexpr size_t kColours = 10;  // of page.css; more runs have dashed lines, as in page.js
constexpr const char* kDashes[] = {"none", "7 3", "2 3", "8 3 2 3"};

std::string runs_text(size_t runs) { return concat(runs, runs == 1 ? " run" : " runs"); }

// The switches of the runs, with the colours of their lines.
std::string legend(const Runs& runs) {
  if (runs.runs.size() == 1) return "";
  std::string html;
  for (size_t i = 0; i < runs.runs.size(); ++i) {
    const std::string line = concat(
        "<svg class=\"stroke\" viewBox=\"0 0 26 10\" aria-hidden=\"true\"><path d=\"M0 5H26\" "
        "stroke-width=\"3\" stroke=\"var(--c",
        i % kColours, ")\" stroke-dasharray=\"", kDashes[i / kColours % std::size(kDashes)],
        "\"/></svg>");
    html += element("label", "",
                    concat("<input type=\"checkbox\" checked=\"\" data-run=\"", i, "\"/>", line,
                           escaped(runs.runs[i].name))) +
            "\n";
  }
  return "<fieldset>\n<legend>Runs "
         "<button type=\"button\" data-all=\"on\">all</button> "
         "<button type=\"button\" data-all=\"off\">none</button></legend>\n"
         "<div id=\"runs\">\n" +
         html + "</div>\n</fieldset>\n";
}

std::string panel(const Runs& runs) {
  return "<div id=\"panel\">\n" + legend(runs) +
         "<div id=\"controls\">\n"
         "<label>Axis <select id=\"axis\"><option value=\"steps\">steps</option>"
         "<option value=\"samples\">samples</option>"
         "<option value=\"seconds\">training time</option></select></label>\n"
         "<label>Smoothing <input id=\"smoothing\" type=\"range\" min=\"0\" max=\"0.98\" "
         "step=\"0.02\" value=\"0\"/></label>\n"
         "<label><input id=\"events\" type=\"checkbox\" checked=\"\"/> Events</label>\n"
         "<span id=\"marks\"></span>\n</div>\n</div>\n";
}

std::string curves(const std::vector<Chart>& charts) {
  if (charts.empty())
    return element("p", "", "No curves: the runs have not written lines of metrics.csv yet.") +
           "\n";
  return "<noscript><p>The curves need JavaScript; the tables do not.</p></noscript>\n" +
         element("div", "id=\"charts\"", "\n" + charts_html(charts)) + "\n" +
         element("p", "class=\"muted\"",
                 "A curve with many points is drawn as the averages of equally long parts, with a "
                 "faint line through their lowest and highest values. The training time is without "
                 "evaluating and saving.") +
         "\n";
}

}  // namespace

std::string page(const Runs& runs, const std::string& made) {
  const std::vector<Chart> charts = charts_of(runs);
  const std::string title =
      runs.runs.size() == 1 ? "Run " + escaped(runs.runs[0].name) : runs_text(runs.runs.size());
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
         "<link rel=\"icon\" href=\"data:,\"/>\n" +
         element("title", "", title + " - d2l") + "\n" +
         element("style", "", "\n" + std::string(kPageStyle)) + "\n</head>\n<body>\n" +
         element("h1", "", title) + "\n" + element("p", "class=\"muted\"", escaped(made)) + "\n" +
         element("h2", "", "Results") + "\n" + runs_table(runs) + folds_tables(runs) +
         element("h2", "", "Curves") + "\n" + panel(runs) + curves(charts) +
         element("h2", "", "Options") + "\n" + options_table(runs) + element("h2", "", "Events") +
         "\n" + events_lists(runs) + "<script type=\"application/json\" id=\"curves\">" +
         charts_json(runs, charts) + "</script>\n" +
         element("script", "", "\n" + std::string(kPageScript)) + "\n</body>\n</html>\n";
}

}  // namespace d2l::report_tool
