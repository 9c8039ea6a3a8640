// The page on which a browser's user chooses a container, and sees what becomes of it.
#pragma once

#include "bytes.h"

namespace secureota {

// HTML, complete in itself: nothing is fetched from anywhere.
Bytes webPage();

}  // namespace secureota
