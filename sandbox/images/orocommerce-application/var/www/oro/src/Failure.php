<?php

declare(strict_types=1);

namespace Standin;

/** Something the operator can mend; its message is all that is shown. */
final class Failure extends \RuntimeException
{
}
