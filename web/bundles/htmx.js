import htmx from "htmx.org";
import "htmx-ext-sse";
export {htmx};
