#pragma once

namespace d2l::report_tool {

// The contents of page/page.css and page/page.js, which the build turns into a source file.
extern const char* const kPageStyle;
extern const char* const kPageScript;

}  // namespace d2l::report_tool
