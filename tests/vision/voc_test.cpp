#include "vision/annotations/voc.h"

#include "tests/vision/vision_support.h"

namespace d2l::vision::test {
namespace {

using d2l::test::TemporaryFolder;

std::string object(const std::string& name, const std::string& inside = "") {
  return "<object><name>" + name + "</name>" + inside +
         "<bndbox><xmin>11</xmin><ymin> 21 "
         "</ymin><xmax>30</xmax><ymax>40.5</ymax></bndbox></object>";
}

std::string file(const std::string& objects, const std::string& name = "a.jpg") {
  return "<?xml version=\"1.0\"?>\n<annotation verified=\"yes\"><folder>x</folder><filename>" +
         name + "</filename><size><width>50</width><height>60</height><depth>3</depth></size>\n" +
         objects + "</annotation>\n";
}

AnnotatedImage parsed(const std::string& xml) {
  ClassNames classes({"dog", "cat"});
  return parse_voc(xml, "a.xml", classes);
}

std::string error_of(const std::string& xml) {
  return message_of([&] { parsed(xml); });
}

// `text` with one part replaced.
std::string changed(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(Voc, ReadsImageAndBoxes) {
  const AnnotatedImage image =
      parsed(file(object("cat", "<difficult>1</difficult><part><name>head</name><bndbox/></part>") +
                  object(" dog\n", "<pose>Left</pose>")));
  EXPECT_EQ(image.name, "a.jpg");
  EXPECT_EQ(image.width, 50);
  EXPECT_EQ(image.height, 60);
  ASSERT_EQ(image.boxes.size(), 2U);
  EXPECT_EQ(image.boxes[0].label, 1);
  EXPECT_TRUE(image.boxes[0].difficult);
  EXPECT_EQ(image.boxes[1].label, 0);
  EXPECT_FALSE(image.boxes[1].difficult);
  const Box& box = image.boxes[1].box;  // the first pixel is 1 in the file and 0 here
  EXPECT_EQ(box.left, 10);
  EXPECT_EQ(box.top, 20);
  EXPECT_EQ(box.right, 30);
  EXPECT_EQ(box.bottom, 40.5);
  EXPECT_EQ(image.boxes[1].area, 410);
}

TEST(Voc, AnImageMayHaveNoBoxes) { EXPECT_TRUE(parsed(file("")).boxes.empty()); }

TEST(Voc, ErrorsNameImageAndBox) {
  const std::string second = "a.xml: image 'a.jpg', box 2: ";
  EXPECT_EQ(error_of(file(object("dog") + object("elephant"))),
            second + "unknown class 'elephant'; expected one of cat, dog");
  EXPECT_EQ(error_of(file(object("dog") + changed(object("cat"), "30", "NaN"))),
            second + "<xmax>: expected a number, found 'NaN'");
  EXPECT_EQ(error_of(file(object("dog") + changed(object("cat"), "30", "1e999"))),
            second + "<xmax>: expected a number, found '1e999'");
  EXPECT_EQ(error_of(file(object("dog") + changed(object("cat"), "30", "51"))),
            second +
                "expected a box inside of the image, from (0, 0) to (50, 60), found (10, 20, 51, "
                "40.5)");
  EXPECT_EQ(error_of(file(object("dog") + changed(object("cat"), "30", "10"))),
            second + "expected a box with left < right and top < bottom, found (10, 20, 10, 40.5)");
  EXPECT_EQ(error_of(file(object("dog") + object("cat", "<difficult>2</difficult>"))),
            second + "expected <difficult> to be 0 or 1, found '2'");
  EXPECT_EQ(error_of(file(object("dog") + object("cat", "<name>dog</name>"))),
            second + "expected one <name> in <object>, found more");
  EXPECT_EQ(error_of(file(object("dog") + object("do<!-- -->g"))),
            second + "expected one text in <name>, found more");
  EXPECT_EQ(error_of(file("<object><name>dog</name></object>")),
            "a.xml: image 'a.jpg', box 1: expected <bndbox> in <object>, found none");
}

TEST(Voc, ErrorsOfTheFile) {
  EXPECT_EQ(error_of(""),
            "a.xml: expected an XML file, found an error at byte 0: No document element "
            "found");
  EXPECT_EQ(error_of("<annotation><size></annotation>"),
            "a.xml: expected an XML file, found an error at byte 20: Start-end tags mismatch");
  EXPECT_EQ(error_of("<html></html>"),
            "a.xml: expected <annotation> as the outermost element, found <html>");
  EXPECT_EQ(error_of("<annotation/>"), "a.xml: expected <filename> in <annotation>, found none");
  EXPECT_EQ(error_of(changed(file(""), "<width>50", "<width>0")),
            "a.xml: expected a <width> of at least 1 pixel, found 0");
  EXPECT_EQ(
      error_of(changed(file(""), "<width>50", "<width>2000000")),
      "a.xml: image 'a.jpg': expected a width and a height from 1 to 1000000, found 2000000 and "
      "60");
  EXPECT_EQ(error_of(file("", "../a.jpg")),
            "a.xml: expected an image inside of the folder of the images, found '../a.jpg'");
  EXPECT_EQ(error_of(std::string(17 << 20, ' ')),
            "a.xml: expected an XML file of at most 16.0 MiB, found 17.0 MiB");
}

TEST(Voc, EntitiesAreNotExpanded) {
  const std::string bomb =
      "<!DOCTYPE a [<!ENTITY b \"x\"><!ENTITY c \"&b;&b;\"><!ENTITY f SYSTEM \"/etc/passwd\">]>";
  EXPECT_EQ(parsed(bomb + file("", "&c;&f;.jpg")).name, "&c;&f;.jpg");
}

TEST(Voc, ReadsFolders) {
  const TemporaryFolder folder;
  const auto write = [&](const char* name, const std::string& text) {
    write_text_file(folder.path() / name, text);
  };
  write("2.xml", file(object("dog"), "2.jpg"));
  write("1.xml", file(object("cat"), "1.jpg"));
  write("readme.txt", "");
  const Annotations all = read_voc(voc_files(folder.path()));
  EXPECT_EQ(all.classes, (std::vector<std::string>{"cat", "dog"}));
  ASSERT_EQ(all.images.size(), 2U);
  EXPECT_EQ(all.images[0].name, "1.jpg");
  EXPECT_EQ(all.images[1].boxes[0].label, 1);

  write("list", "2  1\n\n1 -1\n");
  const Annotations listed =
      read_voc(voc_files(folder.path(), folder.path() / "list"), {"dog", "cat"});
  EXPECT_EQ(listed.images[0].name, "2.jpg");
  EXPECT_EQ(listed.images[0].boxes[0].label, 0);
  EXPECT_EQ(listed.classes, (std::vector<std::string>{"dog", "cat"}));
}

TEST(Voc, ErrorsOfFolders) {
  const TemporaryFolder folder;
  const std::string path = folder.path().string();
  EXPECT_EQ(message_of([&] { voc_files(path); }),
            path + ": expected files that end with .xml, found none");
  EXPECT_EQ(message_of([&] { voc_files(path + "/x"); }),
            path + "/x: expected a folder of annotations: No such file or directory");
  write_text_file(folder.path() / "1.xml", file(""));
  write_text_file(folder.path() / "2.xml", file(""));
  EXPECT_EQ(message_of([&] { read_voc(voc_files(path)); }),
            path + "/2.xml: expected an image of its own, found 'a.jpg', which " + path +
                "/1.xml has too");
}

}  // namespace
}  // namespace d2l::vision::test
