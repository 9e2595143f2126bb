# Handed to CMake as the toolchain file by .cargo/config.toml, because the crate that builds
# espeak-ng has no other door for options. It names no compiler; for CMake projects that do not
# know these variables it is empty.
#
# Without it espeak-ng's build looks for libpcaudio, and clones libsonic from the network where
# that is not installed. The line needs neither: it takes samples by callback, at normal speed.
foreach(option USE_LIBPCAUDIO USE_LIBSONIC USE_MBROLA USE_ASYNC)
    set(${option} OFF CACHE BOOL "not used by xenline" FORCE)
endforeach()
# Any value keeps the build from fetching sonic's sources.
set(SONIC_LIB "unused" CACHE STRING "not used by xenline" FORCE)
set(SONIC_INC "unused" CACHE STRING "not used by xenline" FORCE)
