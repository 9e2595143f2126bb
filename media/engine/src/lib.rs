//! Audio threads, rings and speech workers of xenline.
