"""The browser that tests look at pages with."""


def test_it_draws_text_in_a_real_font(chromium):
    page = chromium.new_page()
    page.set_content("<p><span>iiii</span></p><p><span>MMMM</span></p>")
    narrow, wide = (box.bounding_box()["width"] for box in page.locator("span").all())
    page.close()
    assert 0 < narrow < wide
